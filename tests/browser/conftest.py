"""A real Chromium, Debian's package, driven by Playwright."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
INSTALL = "apt-get install -qy --no-install-recommends chromium"


# Of the package, not the session: while Playwright's loop runs, no other test could run one of its own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One headless browser for all tests; each makes contexts of its own."""
    if not shutil.which(CHROMIUM) and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(f"apt-get update -q && {INSTALL}", shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not shutil.which(CHROMIUM):
        assert os.environ.get("TAPMESH_REQUIRE") != "all", f"needs: sudo {INSTALL}"
        pytest.skip(f"needs: sudo {INSTALL}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()
