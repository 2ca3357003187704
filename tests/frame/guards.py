"""What a notebook and the project's files must keep to, each rule as a function that returns its complaints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

MOST_LINES = 12
MOST_COLUMNS = 96  # what JupyterLab shows of a line on a laptop, with its side bar open
MOST_BYTES = 200_000
UNCOMPARED = "nbval-ignore-output"
SECTIONS = ("The symptom", "Predict", "See it", "Find it", "Fix it", "Compare", "Wrong turns", "Keep")
PARTS_OF_A_PATTERN = ("What it is", "Why it is right", "What breaks without it")
AFTER_THE_PATTERNS = ("Try", "The report's lists", "Keep")
SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes", "-")
FORBIDDEN = ("asyncio.run(", "nest_asyncio", "%pip", "!pip", "%conda")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def prose(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def is_compared(cell: NotebookNode) -> bool:
    return UNCOMPARED not in cell.metadata.get("tags", [])


def execution_counts(notebook: NotebookNode) -> list[str]:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    expected = list(range(1, len(counts) + 1))
    return [] if counts == expected else [f"execution counts are {counts}, not {expected}: nbval skips what has none"]


def stored_outputs(notebook: NotebookNode) -> list[str]:
    complaints = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                complaints.append(f"cell {cell.execution_count} has written to stderr: {output.text[:80]!r}")
            if output.output_type == "error":
                complaints.append(f"cell {cell.execution_count} has failed with {output.ename}")
    return complaints


def metadata(notebook: NotebookNode) -> list[str]:
    complaints = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        complaints.append("its kernel is not python3")
    complaints += [
        f"it keeps metadata {key!r}" for key in notebook.metadata if key not in ("kernelspec", "language_info")
    ]
    for cell in notebook.cells:
        kept = (key for key in cell.metadata if key not in ("tags", "slideshow"))
        complaints += [f"cell {cell.id} keeps metadata {key!r}" for key in kept]
    return complaints


def slides(notebook: NotebookNode) -> list[str]:
    """Every cell says what it is on the slides; a lesson begins with one, and each of its sections does."""
    complaints = []
    for number, cell in enumerate(notebook.cells):
        told = dict(cell.metadata.get("slideshow", {}))
        kind = told.pop("slide_type", None)
        if kind not in SLIDE_TYPES or told:
            complaints.append(f"cell {cell.id} is {kind!r} on the slides, not one of {SLIDE_TYPES}")
        heads = cell.cell_type == "markdown" and cell.source.startswith(("# ", "## "))
        if (heads or number == 0) and kind != "slide":
            complaints.append(f"cell {cell.id} has a heading, and begins no slide")
    return complaints


def pictures(notebook: NotebookNode) -> list[str]:
    """A picture is not compared, so its words have to be, in the next code cell."""
    complaints = []
    cells = code_cells(notebook)
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if not any("image/png" in output.get("data", {}) for output in cell.outputs):
            continue
        if is_compared(cell):
            complaints.append(f"cell {cell.execution_count} shows a picture and is not tagged {UNCOMPARED}")
        if after is None or not is_compared(after) or not after.outputs:
            complaints.append(f"the picture of cell {cell.execution_count} has no compared text after it")
    return complaints


def code(notebook: NotebookNode) -> list[str]:
    complaints = []
    for cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if lines > MOST_LINES:
            complaints.append(f"cell {cell.execution_count} has {lines} lines, more than {MOST_LINES}")
        longest = max(map(len, cell.source.splitlines()))
        if longest > MOST_COLUMNS:
            complaints.append(f"cell {cell.execution_count} has a line of {longest} characters, cut off on a laptop")
        complaints += [f"cell {cell.execution_count} uses {word}" for word in FORBIDDEN if word in cell.source]
    return complaints


def links(notebook: NotebookNode, folder: Path, workspace: Path) -> list[str]:
    return broken_links(prose(notebook), folder, workspace)


def broken_links(text: str, folder: Path, workspace: Path) -> list[str]:
    """Links to files that are not there. The workspace has what the starter has."""
    complaints = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:|#", link):
            continue
        file = (folder / link.partition("#")[0]).resolve()
        if file.is_relative_to(workspace):
            file = workspace.with_name("starter") / file.relative_to(workspace)
        if not file.exists():
            complaints.append(f"the link to {link} leads nowhere")
    return complaints


def sections(notebook: NotebookNode) -> list[str]:
    """The parts of a finding's lesson, in their order."""
    found = [line.removeprefix("## ").strip() for line in prose(notebook).splitlines() if line.startswith("## ")]
    return [] if tuple(found) == SECTIONS else [f"its sections are {found}, not {list(SECTIONS)}"]


def head(notebook: NotebookNode, finding: Any) -> list[str]:
    """The first cell says what the manifest says."""
    first = notebook.cells[0].source
    wanted = {
        f"# {finding.id} · {finding.title}": "number and title",
        f"**Priority**: {finding.priority}": "priority",
        f"**Minutes**: {finding.teach} to read and run, {finding.do} to refactor": "minutes",
        "**Where**:": "where",
        "**Impact**:": "impact",
        "**Afterwards you can**": "what one can do afterwards",
    }
    return [f"its first cell lacks {what}: {text!r}" for text, what in wanted.items() if text not in first]


def pattern_sections(notebook: NotebookNode, patterns: Sequence[Any]) -> list[str]:
    """The parts of a lesson on good patterns, in their order: each pattern's, and what comes after them."""
    found = [line for line in prose(notebook).splitlines() if re.match("##+ ", line)]
    wanted = []
    for pattern in patterns:
        wanted += [f"## {pattern.id} · {pattern.title}", *(f"### {part}" for part in PARTS_OF_A_PATTERN)]
    wanted += [f"## {part}" for part in AFTER_THE_PATTERNS]
    return [] if found == wanted else [f"its sections are {found}, not {wanted}"]


def chapter_sections(notebook: NotebookNode) -> list[str]:
    """The parts of a lesson without findings or patterns of its own: some, and what to keep of them."""
    found = [line.removeprefix("## ").strip() for line in prose(notebook).splitlines() if line.startswith("## ")]
    return [] if len(found) > 3 and found[-1] == "Keep" else [f"its sections are {found}: the last of them is Keep"]


def chapter_head(notebook: NotebookNode, section: Any, patterns: Sequence[Any]) -> list[str]:
    """The first cell of a lesson for a whole chapter says what the manifest says of it, and of its good patterns."""
    first = notebook.cells[0].source
    wanted = {
        f"# {section.number} · {section.title}": "number and title",
        f"**Minutes**: {section.teach} to read and run, {section.do} to try": "minutes",
        "**Impact**:": "impact",
        "**Afterwards you can**": "what one can do afterwards",
    }
    wanted |= {location.path: "where" for pattern in patterns for location in pattern.where}
    return [f"its first cell lacks {what}: {text!r}" for text, what in wanted.items() if text not in first]


def both_packages(notebook: NotebookNode) -> list[str]:
    """Compared cells speak of starter and solution."""
    compared = [cell for cell in code_cells(notebook) if is_compared(cell) and cell.outputs]
    said = "\n".join(str(output) for cell in compared for output in cell.outputs)
    return [f"no compared output speaks of the {name}" for name in ("starter", "solution") if name not in said]


def proof(notebook: NotebookNode, id: str) -> list[str]:
    """Compared cells speak of starter and solution, and ask for verdict and hint."""
    compared = [cell for cell in code_cells(notebook) if is_compared(cell) and cell.outputs]
    asked = "\n".join(cell.source for cell in compared)
    complaints = both_packages(notebook)
    for call in (f'check("{id}")', f'hint("{id}")', f'diff("{id}")', f'turn("{id}"'):
        if call not in asked:
            complaints.append(f"no compared cell calls {call}")
    return complaints


def top_level(names: Sequence[str]) -> list[str]:
    """Names at the project's top that do not belong there."""
    allowed = {
        "LICENSE",
        "README.md",
        "environment.yml",
        "notebooks",
        "pyproject.toml",
        "requirements.txt",
        "solution",
        "starter",
        "tests",
    }
    return [f"{name} does not belong at the top level" for name in names if name not in allowed and name[0] != "."]


REGISTRIES = re.compile(
    r"\b(?:pypi\.org|files\.pythonhosted|registry\.npm\w*|deb\.debian|conda\.anaconda)\b", re.IGNORECASE
)
MACHINE_PATHS = re.compile(r"(?<![\w./~])/(?:root|home/\w+|work|Users/\w+)/\w|\b[A-Z]:\\+Users\\+\w")


def leaks(text: str) -> Iterator[str]:
    """Registry hosts and paths of somebody's machine."""
    for pattern, what in ((REGISTRIES, "a registry's host"), (MACHINE_PATHS, "a path of a machine")):
        for match in pattern.finditer(text):
            yield f"{what}: {match.group()!r}"
