"""A real browser for the tests that need one: Chromium, driven by Playwright.

Both are optional: `uv sync --group browser` brings Playwright, the system's packages Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "frame"))

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
"""Chromium asks nothing of the network but what the page asks for."""


Visit = Callable[..., Awaitable[Any]]
"""Opens a page for somebody; given a name, that goes into the name of the picture."""


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is missing: uv sync --group browser")
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: install it from the system's packages")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    async with playwright.async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *as_root])
        yield chromium
        await chromium.close()


@pytest.fixture
async def visit(browser: Any, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Visit]:
    """People who open a page of a laptop's size, each with a browser of their own, as far as the page can tell.

    What they are shown at the end is kept, in KATA_SCREENSHOTS where that is set.
    """
    opened: dict[str, Any] = {}

    async def open_page(who: str = "") -> Any:
        page = opened[who] = await browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(60_000)
        return page

    yield open_page
    folder = Path(os.environ.get("KATA_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for who, page in opened.items():
        name = " ".join(filter(None, (request.node.name.replace("/", "-"), who)))
        await page.screenshot(path=folder / f"{name}.png")


@pytest.fixture
async def page(visit: Visit) -> Any:
    """The page of somebody who is alone."""
    return await visit()
