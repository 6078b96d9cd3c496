"""What each of Lambda's processes may import, by name: a cold start pays for all of it."""

import subprocess
import sys

import pytest

SEEN = "import sys; before = set(sys.modules); import {module}; print(*set(sys.modules) - before)"
OURS = {"tap_runtime", "msgspec", "typing_extensions"}  # the last by obstore on Python 3.11


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("tap_runtime.function", OURS | {"cryptography", "_cffi_backend", "_openssl"}),
        ("tap_runtime.lander", OURS | {"obstore", "_duckdb"}),
        ("tap_runtime.steward", OURS | {"obstore"}),
    ],
)
def test_a_process_imports_no_more_than_it_needs(module: str, may: set[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SEEN.format(module=module)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    imported = done.stdout.split()
    others = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) - may
    assert {name for name in others if not name.startswith("__editable__")} == set()
    if module == "tap_runtime.function":
        assert not {"asyncio", "ctypes", "multiprocessing", "cryptography.x509"} & set(imported)
