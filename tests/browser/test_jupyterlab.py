"""The course as a learner has it: JupyterLab in a browser, from the first notebook to a verdict of `fixed`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab_server import jupyter_lab
from projects import copied, environment_of

pytestmark = pytest.mark.slow

KERNEL_IS_IDLE = """() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
"""Whether the notebook that is shown has a kernel: asked to run before, JupyterLab would ask which one to take."""

ALL_ARE_RUN = """() => {
    const notebook = window.jupyterapp?.shell.currentWidget?.content;
    if (!notebook?.model?.cells) return false;
    const cells = [...notebook.model.cells].filter(cell => cell.type === 'code' && cell.sharedModel.source.trim());
    const failed = cells.some(cell => cell.outputs.toJSON().some(output => output.output_type === 'error'));
    return failed || (cells.length > 0 && cells.every(cell => cell.executionCount && cell.executionState === 'idle'));
}"""
"""Whether every code cell of the notebook that is shown has been run, or one has failed."""


class Lab:
    """JupyterLab in a browser."""

    def __init__(self, page: Any, about: dict[str, Any], folder: Path) -> None:
        self.page, self._about, self.folder = page, about, folder

    async def opens(self, path: str = "") -> None:
        """Come in by the door, or by the address of a file."""
        file = f"lab/tree/{path}" if path else ""
        await self.page.goto(f"{self._about['url']}{file}?token={self._about['token']}")
        await self.page.locator(".jp-Notebook, .jp-FileEditor").first.wait_for()

    async def runs_all(self) -> nbformat.NotebookNode:
        """Run all cells by the menu, save, and return the notebook as it is on the disk then."""
        await self.page.wait_for_function(KERNEL_IS_IDLE)
        await self.page.get_by_role("menuitem", name="Run", exact=True).click()
        await self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        await self.page.wait_for_function(ALL_ARE_RUN, timeout=120_000)
        path = await self.page.evaluate("window.jupyterapp.shell.currentWidget.context.path")
        await self.saves()
        return nbformat.read(self.folder / path, as_version=4)

    async def saves(self) -> None:
        """Save what is shown, by the keyboard, and wait until it is on the disk."""
        await self.page.keyboard.press("Control+s")
        await self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    async def writes(self, text: str) -> None:
        """Put a text into the editor in the place of everything that is there."""
        await self.page.locator(".jp-FileEditor .cm-content").click()
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.insert_text(text)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the project whose notebooks have not been run."""
    course = tmp_path / "course"
    course.mkdir()
    copied(course)
    for path in (course / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    return course


@pytest.fixture
def server(course: Path, tmp_path: Path) -> Iterator[dict[str, Any]]:
    exposed = "--LabApp.expose_app_in_browser=True"
    with jupyter_lab(course, tmp_path / "runtime", exposed, environment=environment_of(course)) as about:
        yield about


@pytest.fixture
def lab(server: dict[str, Any], page: Any, course: Path) -> Lab:
    return Lab(page, server, course)


def said(notebook: nbformat.NotebookNode) -> str:
    """Everything that a notebook's cells have printed or returned."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Cells that have not been run, have failed, or have written to stderr."""
    found = []
    for number, cell in enumerate(each for each in notebook.cells if each.cell_type == "code" and each.source.strip()):
        if cell.execution_count is None:
            found.append(f"code cell {number} has not been run")
        found += [f"code cell {number}: {o}" for o in cell.outputs if o.output_type == "error" or "stderr" in str(o)]
    return found


async def test_the_door_leads_to_a_notebook_that_finds_everything_in_place(lab):
    await lab.opens()
    notebook = await lab.runs_all()
    assert notebook.cells[0].source.startswith("# 00")
    assert complaints(notebook) == []
    assert "✓ this Python" in said(notebook)
    assert "✗" not in said(notebook)


@pytest.mark.parametrize("lesson", ["01_pulse_of_the_loop", "1_1_folder_on_the_loop", "2_1_synchronous_breaker"])
async def test_a_lesson_runs_from_top_to_bottom(lab, lesson):
    await lab.opens(f"notebooks/{lesson}.ipynb")
    assert complaints(await lab.runs_all()) == []


async def test_what_is_mended_in_jupyterlab_s_editor_is_fixed(lab):
    await lab.opens("notebooks/1_4_sleep_between_retries.ipynb")
    assert "· 1.4 time.sleep between retries (workspace): untouched" in said(await lab.runs_all())

    module = lab.folder / "workspace" / "modules" / "speech" / "speech_to_text.py"
    text = module.read_text(encoding="utf-8")
    mended = text.replace("import time\n", "import asyncio\n").replace("time.sleep(", "await asyncio.sleep(")
    await lab.opens("workspace/modules/speech/speech_to_text.py")
    await lab.writes(mended)
    await lab.saves()
    assert module.read_text(encoding="utf-8") == mended

    await lab.opens("notebooks/1_4_sleep_between_retries.ipynb")
    assert "✓ 1.4 time.sleep between retries (workspace): fixed" in said(await lab.runs_all())
