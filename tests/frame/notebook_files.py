"""What a notebook's file must be like as it is stored, each rule as a function that returns its complaints."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from guards import UNCOMPARED, is_compared
from nbformat import NotebookNode

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PASSING = re.compile(r"/tmp/|/var/folders/|\\Temp\\|\b0x[0-9a-fA-F]{6,}\b|<Task pending|ipykernel_\d+")


def version(stored: dict[str, Any]) -> list[str]:
    """nbformat 4.5, the first with cell ids, and an id of its own for every cell."""
    complaints = []
    if (stored["nbformat"], stored["nbformat_minor"]) != (4, 5):
        complaints.append(f"its format is {stored['nbformat']}.{stored['nbformat_minor']}, not 4.5")
    ids = [cell.get("id") for cell in stored["cells"]]
    if None in ids:
        complaints.append(f"cells without an id: {[number for number, id in enumerate(ids) if id is None]}")
    complaints += [f"{ids.count(id)} cells have the id {id}" for id in sorted(set(ids) - {None}) if ids.count(id) > 1]
    return complaints


def machine(notebook: NotebookNode) -> list[str]:
    """Traces of the machine it was saved on: another one would store others."""
    complaints = []
    kernel = notebook.metadata.get("kernelspec", {})
    if kernel != KERNEL:
        complaints.append(f"its kernel is {dict(kernel)}")
    language = notebook.metadata.get("language_info", {})
    if "version" in language:
        complaints.append(f"it keeps the version of its author's Python, {language['version']}")
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_compared(cell) and (found := PASSING.search(json.dumps(cell.outputs))):
            complaints.append(f"cell {cell.execution_count} is compared and prints {found.group()!r}")
    return complaints


def uncompared(notebook: NotebookNode) -> list[str]:
    """Ways to be left out of the comparison other than the one tag, and tagged cells that nothing is shown by."""
    complaints = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        others = [tag for tag in cell.metadata.get("tags", []) if "nbval" in tag.lower() and tag != UNCOMPARED]
        complaints += [f"cell {cell.execution_count} has the tag {tag}" for tag in others]
        if re.search(r"^\s*#\s*(NBVAL|PYTEST_VALIDATE)", cell.source, re.MULTILINE):
            complaints.append(f"cell {cell.execution_count} speaks to nbval in a comment, a tag does that")
        if not is_compared(cell) and not cell.outputs:
            complaints.append(f"cell {cell.execution_count} is tagged {UNCOMPARED} and shows nothing")
    return complaints


def wordless(notebook: NotebookNode) -> list[str]:
    """HTML is not compared, so what it says has to stand beside it as text. A bar that has gone says nothing."""
    return [
        f"cell {cell.execution_count} shows HTML that no text stands beside"
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.get("data", {}).get("text/html") and "text/plain" not in output.data
    ]


def tampered(notebook: NotebookNode) -> tuple[NotebookNode, int]:
    """A copy in which every compared cell that says something says something else; and how many these are."""
    changed, number = copy.deepcopy(notebook), 0
    for cell in changed.cells:
        if cell.cell_type != "code" or not is_compared(cell):
            continue
        for output in cell.outputs:
            if "text" in output:
                output.text = f"tampered {output.text}"
            elif "text/plain" in output.get("data", {}):
                output.data["text/plain"] = f"tampered {output.data['text/plain']}"
            else:
                continue
            number += 1
            break
    return changed, number
