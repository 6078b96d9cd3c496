"""A real Chromium, Debian's package, driven by Playwright; and the tools that minify the web kit."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import reader as live
from tests.browser.site import TAPS, OpenSite, Site
from tests.browser.visitor import Visitor
from tests.emulated.bring import apt, cached
from tests.kits.example import example, running
from tests.local.conftest import RunningMesh, free_port

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
LAUNCH: dict[str, Any] = {"executable_path": CHROMIUM, "args": ARGS}
ESBUILD = "esbuild@0.28.2"


def bring_chromium() -> None:
    """Sees to it that it is there."""
    apt(Path(CHROMIUM).exists, "chromium")


# Of the package, not the session: while Playwright's loop runs, no other test could run one of its own.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright, once Chromium is there."""
    bring_chromium()
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One headless browser for all tests; each makes contexts of its own."""
    browser = playwright.chromium.launch(**LAUNCH)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def esbuild() -> Path:
    """The pinned minifier from npm, installed once, outside the checkout."""
    apt(lambda: shutil.which("npm") is not None, "npm")
    folder = cached(ESBUILD)
    program = folder / "node_modules" / ".bin" / "esbuild"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", str(folder), ESBUILD], check=True)
    return program


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningMesh]:
    """The example mesh, with the demo's shop."""
    with example(tmp_path) as mesh:
        yield mesh


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """A visitor with storage of their own."""
    visitor = Visitor(chromium.new_context(viewport={"width": 1280, "height": 900}))
    yield visitor
    visitor.context.close()
    assert visitor.strangers() == []


@pytest.fixture
def site_port() -> int:
    """Where the test's site will be: its origin stands in the taps."""
    return free_port()


@pytest.fixture
def taps(tmp_path: Path, site_port: int) -> Iterator[RunningMesh]:
    """Three taps that the test's site may send to, running."""
    with running(tmp_path, TAPS.replace("{origin}", f"http://127.0.0.1:{site_port}")) as mesh:
        yield mesh


@pytest.fixture
def site(taps: RunningMesh, site_port: int) -> Iterator[OpenSite]:
    """Opens a site that sends to one of the taps."""
    sites: list[Site] = []

    def opened(tap: str, more: str = "", tokens: Iterator[str | int] = iter(())) -> Site:
        token = ' data-token="/token"' if tap == "granted" else ""
        sites.append(Site(site_port, f"http://127.0.0.1:{taps.port}/taps/{tap}", more + token))
        sites[-1].tokens = tokens
        return sites[-1]

    yield opened
    for each in sites:
        each.close()


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    """A mesh of two taps, running."""
    running = RunningMesh(tmp_path, live.TAPS)
    running.start()
    yield running
    if running.process is not None:
        running.process.kill()
        running.process.wait()


@pytest.fixture
def reader(chromium: Browser, mesh: RunningMesh) -> Iterator[live.Reader]:
    """A reader of the mesh's page."""
    reader = live.Reader(chromium, mesh)
    yield reader
    for context in reader.contexts:
        context.close()
    assert reader.complaints == []
