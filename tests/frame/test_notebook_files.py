"""What is stored in a notebook is fit to be compared, and is compared, cell by cell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import notebook_files
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import IPyNbFile, coalesce_streams

from kata.audit import project_root

ROOT = project_root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def said(text: str, **metadata: object) -> nbformat.NotebookNode:
    return new_code_cell("…", outputs=[new_output("stream", name="stdout", text=text)], metadata=metadata)


def nbval(folder: Path, **notebooks: nbformat.NotebookNode) -> str:
    """Run notebooks by the project's own settings; what pytest says in its last line."""
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    settings = ("-q", "-n0", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", *settings, *(str(folder / f"{name}.ipynb") for name in notebooks)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return run.stdout.splitlines()[-1]


@every_notebook
def test_a_notebook_is_stored_as_4_5_with_an_id_for_every_cell(path):
    assert notebook_files.version(json.loads(path.read_text(encoding="utf-8"))) == []


def test_another_format_and_missing_and_shared_ids_are_found():
    cells = [{"id": "a"}, {"id": "a"}, {}]
    assert notebook_files.version({"nbformat": 4, "nbformat_minor": 4, "cells": cells}) == [
        "its format is 4.4, not 4.5",
        "cells without an id: [2]",
        "2 cells have the id a",
    ]


@every_notebook
def test_a_notebook_keeps_no_trace_of_its_author_s_machine(path):
    assert notebook_files.machine(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("trace", ["/tmp/kata-x1y2/workspace", "<Pulse object at 0x7f12ab34cd56>", "ipykernel_4711"])
def test_a_trace_in_a_compared_output_is_found(trace):
    good = new_notebook(cells=[said("fine")], metadata={"kernelspec": notebook_files.KERNEL})
    bad = new_notebook(cells=[said(trace)], metadata={"kernelspec": notebook_files.KERNEL})
    assert notebook_files.machine(good) == []
    assert len(notebook_files.machine(bad)) == 1


def test_a_kernel_of_one_s_own_and_a_python_s_version_are_found():
    metadata = {
        "kernelspec": {**notebook_files.KERNEL, "name": "venv"},
        "language_info": {"name": "python", "version": "3.11.7"},
    }
    assert len(notebook_files.machine(new_notebook(metadata=metadata))) == 2


@every_notebook
def test_a_notebook_leaves_cells_out_of_the_comparison_in_one_way_only(path):
    assert notebook_files.uncompared(nbformat.read(path, as_version=4)) == []


def test_other_ways_out_of_the_comparison_are_found():
    hidden = [
        said("1", tags=["nbval-skip"]),
        new_code_cell("# NBVAL_IGNORE_OUTPUT\n1"),
        new_code_cell("x = 1", metadata={"tags": ["nbval-ignore-output"]}),
    ]
    assert len(notebook_files.uncompared(new_notebook(cells=hidden))) == 3


@pytest.mark.slow
def test_a_stored_output_that_is_true_passes_and_one_that_is_not_fails(tmp_path):
    cells = [
        new_code_cell("1 + 1", execution_count=1, outputs=[new_output("execute_result", {"text/plain": "2"})]),
        new_code_cell("print('a')", execution_count=2, outputs=[new_output("stream", name="stdout", text="a\n")]),
    ]
    honest = new_notebook(cells=cells, metadata={"kernelspec": notebook_files.KERNEL})
    changed, number = notebook_files.tampered(honest)
    assert number == 2
    assert nbval(tmp_path, honest=honest, changed=changed).startswith("2 failed, 2 passed")


CARD = """
from kata.lesson import Text
from IPython.display import display
display({"text/html": "<progress></progress>"}, raw=True)
Text("fixed", "<b>fixed</b>")
"""


@pytest.mark.slow
def test_html_is_left_out_of_the_comparison_and_the_text_beside_it_is_not(tmp_path):
    def notebook(**data: str) -> nbformat.NotebookNode:
        outputs = [new_output("execute_result", {mime.replace("_", "/"): said for mime, said in data.items()})]
        cell = new_code_cell(CARD, execution_count=1, outputs=outputs)
        return new_notebook(cells=[cell], metadata={"kernelspec": notebook_files.KERNEL})

    told = {"text_plain": "fixed"}
    assert nbval(tmp_path, bare=notebook(**told), dressed=notebook(**told, text_html="once")).startswith("2 passed")
    assert nbval(tmp_path, false=notebook(text_plain="broken", text_html="<b>fixed</b>")).startswith("1 failed")


@every_notebook
def test_whatever_a_notebook_shows_as_html_it_says_in_words_as_well(path):
    assert notebook_files.wordless(nbformat.read(path, as_version=4)) == []


def test_html_without_words_is_found():
    gone, mute = (
        new_output("display_data", {"text/html": ""}),
        new_output("display_data", {"text/html": "<p>fixed</p>"}),
    )
    cells = [new_code_cell("…", outputs=[gone]), new_code_cell("…", outputs=[mute], execution_count=2)]
    assert notebook_files.wordless(new_notebook(cells=cells)) == ["cell 2 shows HTML that no text stands beside"]


@every_notebook
def test_every_compared_cell_of_a_notebook_fails_when_it_is_tampered_with(path, request):
    """By nbval's own comparison, with what is stored in the place of what a kernel would say."""
    changed, number = notebook_files.tampered(nbformat.read(path, as_version=4))
    nbval_file = IPyNbFile.from_parent(request.session, path=path)
    pairs = zip(nbval_file.collect(), (cell for cell in changed.cells if cell.cell_type == "code"), strict=True)
    differing = 0
    for item, other in pairs:
        if item.options["check"]:
            assert item.compare_outputs(coalesce_streams(item.cell.outputs), coalesce_streams(item.cell.outputs))
            differing += not item.compare_outputs(coalesce_streams(other.outputs), coalesce_streams(item.cell.outputs))
    assert differing == number > 0
