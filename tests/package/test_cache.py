"""What is kept under a key is made once, and only used whole."""

from pathlib import Path

from mesh.package.cache import alone, cached, key


class Maker:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self, part: Path) -> None:
        self.times += 1
        part.write_bytes(b"a layer")


def test_a_layer_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    first, second = (cached(tmp_path, "key", make, print) for _ in range(2))
    assert (first, make.times, first.read_bytes()) == (second, 1, b"a layer")
    cached(tmp_path, "another", make, print)
    assert make.times == 2


def test_a_torn_layer_is_made_again(tmp_path: Path) -> None:
    make = Maker()
    cached(tmp_path, "key", make, print).write_bytes(b"a la")
    assert cached(tmp_path, "key", make, print).read_bytes() == b"a layer"
    assert (make.times, len(list(tmp_path.glob("*.zip")))) == (2, 1)


def test_what_a_killed_build_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"far more than a whole layer")
    assert cached(tmp_path, "key", Maker(), print).read_bytes() == b"a layer"
    assert not (tmp_path / "part").exists()


def test_a_failed_build_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    said: list[str] = []
    try:
        with alone(tmp_path, said.append):
            raise ValueError
    except ValueError:
        pass
    with alone(tmp_path, said.append):
        assert said == []


def test_each_architecture_has_a_key_of_its_own() -> None:
    assert key("arm64") != key("x86_64")
