"""The exercise of lesson 5 can be done as it is written: each run of its last cell is about what `YOURS` is now."""

from __future__ import annotations

import ast
from typing import Any

import nbformat
import pytest

from kata.audit import project_root
from kata.guards import audit_code
from kata.target import Target, TargetDoesNotImport

LESSON = nbformat.read(project_root() / "notebooks" / "5_guard_rails.ipynb", as_version=4)
CELLS = [cell.source for cell in LESSON.cells if cell.cell_type == "code"]

SLEEPS = "import time\n\nasync def yours():\n    time.sleep(0.01)\n"
MAKES_A_FOLDER = 'import os\n\nasync def yours():\n    os.makedirs(".", exist_ok=True)\n'
NO_PYTHON = "async def yours(:\n"
TRIES = ((MAKES_A_FOLDER, "file-system-call-on-loop", "os.makedirs("), (SLEEPS, "ASYNC251", "time.sleep("))
"""What somebody writes, the rule that finds it, and the line that the pulse sees."""


async def run(cell: str, kernel: dict[str, Any]) -> None:
    """Run a cell, which may await, as a kernel does."""
    running = eval(compile(cell, "a cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), kernel)
    if running is not None:
        await running


@pytest.fixture
async def kernel():
    """What the cells before the exercise leave to it."""
    names: dict[str, Any] = {"audit_code": audit_code, "Target": Target}
    for needed in ("room = TemporaryDirectory()", "def new_folder("):
        await run(next(cell for cell in CELLS if needed in cell), names)
    with names["room"]:
        yield names


async def test_what_is_seen_is_what_was_written_last_also_after_an_error(kernel, capsys):
    for yours, rule, line in TRIES:
        await run(CELLS[-1], kernel | {"YOURS": yours})
        said = capsys.readouterr().out
        assert f"reading finds: {rule}\n" in said
        assert f"the pulse sees: {line}" in said
        with pytest.raises(TargetDoesNotImport) as raised:
            await run(CELLS[-1], kernel | {"YOURS": NO_PYTHON})
        assert isinstance(raised.value.__cause__, SyntaxError)
        assert "reading finds: line 1: " in capsys.readouterr().out
