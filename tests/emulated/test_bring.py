"""What the tests share on one machine, several runs of them at once."""

import subprocess
import sys

import pytest

from tests.emulated import bring

TAKES = "from tests.emulated import bring; bring._PORTS = range(10_998, 10_999); print(bring.free_port(), flush=True); input()"


def test_a_port_is_given_to_one_process_alone_though_it_does_not_listen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", TAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None and other.stdout is not None
        assert other.stdout.readline() == "10998\n"
        monkeypatch.setattr(bring, "_PORTS", range(10_998, 11_000))
        assert bring.free_port() == 10_999
        other.stdin.write("\n")
        other.stdin.close()
    assert bring.free_port() == 10_998
