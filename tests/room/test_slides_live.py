"""A lesson is presented from JupyterLab itself: its slides turn, its cells run, and nothing is asked of the network."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kata.audit import project_root
from kata.target import WORKSPACE_VARIABLE

sys.path.insert(0, str(Path(__file__).parents[1] / "frame"))

from lab_server import jupyter_lab

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LESSON = "1_4_sleep_between_retries.ipynb"


@pytest.fixture
def kinds(tmp_path: Path) -> list[str]:
    """A folder with one lesson that has not been run; what its cells are on the slides."""
    pytest.importorskip("jupyterlab_rise", reason="jupyterlab-rise is missing: uv sync --group teach")
    folder = tmp_path / "room" / "notebooks"
    folder.mkdir(parents=True)
    shutil.copy(project_root() / "notebooks" / "rise.css", folder)
    notebook = json.loads((project_root() / "notebooks" / LESSON).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    (folder / LESSON).write_text(json.dumps(notebook), encoding="utf-8")
    return [cell["metadata"]["slideshow"]["slide_type"] for cell in notebook["cells"]]


@pytest.fixture
def server(kinds: list[str], tmp_path: Path) -> Iterator[dict[str, Any]]:
    environment = {**os.environ, WORKSPACE_VARIABLE: str(tmp_path / "workspace")}
    with jupyter_lab(tmp_path / "room", tmp_path / "runtime", environment=environment) as about:
        yield about


def test_a_lesson_is_presented_live_and_asks_nothing_of_the_network(server, kinds):
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: uv sync --group browser")
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: install it from the system's packages")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--disable-background-networking", *as_root])
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server['url']}rise/notebooks/{LESSON}?token={server['token']}")
        page.wait_for_selector(".reveal .slides section.present h1")
        columns = page.locator(".reveal .slides > section")
        assert columns.count() == kinds.count("slide")
        for heading in ("The symptom", "Predict"):
            page.keyboard.press("ArrowRight")
            page.wait_for_selector(f"section.present h2:has-text('{heading}')")
        page.locator("section.present .jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector("section.present .jp-OutputArea-output:has-text('write 0, 1 or 2')")
        own = (server["url"], server["url"].replace("http", "ws", 1), "data:", "blob:")
        assert [url for url in asked if not url.startswith(own)] == []
        chromium.close()
