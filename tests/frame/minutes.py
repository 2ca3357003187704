"""The manifest's minutes wherever else they are said: in the README, in first cells, on stored boards and maps.

Run it when they have changed in `audit.toml`: `uv run python tests/frame/minutes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kata.audit import Finding, Section, audit, project_root

ROOT = project_root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS: tuple[Finding | Section, ...] = (*audit().findings, *(each for each in audit().sections if each.notebook))


def _number(lesson: Finding | Section) -> str:
    return lesson.id if isinstance(lesson, Finding) else lesson.number


def said_in_the_readme(text: str) -> str:
    """The README, its table with the manifest's minutes."""
    for each in LESSONS:
        row = rf"(\| \[{re.escape(_number(each))} · [^|]*\]\(notebooks/[^|]*\) \| \w* ?\|) \d+ \| \d+ \|"
        text = re.sub(row, rf"\1 {each.teach} | {each.do} |", text)
    return text


def said_in_a_notebook(text: str, name: str) -> str:
    """A notebook's file, its head and what is stored of board and map with the manifest's minutes."""
    for each in LESSONS:
        both = f"{each.teach} to read and run, {each.do} to"
        if each.notebook == name:
            text = re.sub(r"(\*\*Minutes\*\*: )\d+ to read and run, \d+ to", rf"\g<1>{both}", text)
        title = re.escape(f"{_number(each)} · {each.title}")
        text = re.sub(rf"({title}(?:</a>)? \(minutes: )\d+ to read and run, \d+ to", rf"\g<1>{both}", text)
    for finding in audit().everything:
        id, minutes = re.escape(finding.id), finding.teach + finding.do
        row = f"{finding.priority:<6} {minutes:>3} min"
        text = re.sub(rf"(\b{id}  )\w+ +\d+ min(  {re.escape(finding.title)})", rf"\g<1>{row}\2", text)
        text = re.sub(rf"(>{id}</td><td[^>]*>\w+</td><td[^>]*>)\d+( min</td>)", rf"\g<1>{minutes}\2", text)
    for findings in (audit().findings, audit().everything):
        total = sum(each.teach + each.do for each in findings)
        text = re.sub(rf"(0 of {len(findings)} fixed, )\d+ of \d+( minutes left)", rf"\g<1>{total} of {total}\2", text)
    return text


def changed() -> Iterator[tuple[Path, str]]:
    """The files in which something else is said, and what they should be like."""
    readme = ROOT / "README.md"
    texts = {readme: said_in_the_readme(readme.read_text(encoding="utf-8"))}
    texts |= {path: said_in_a_notebook(path.read_text(encoding="utf-8"), path.name) for path in NOTEBOOKS}
    yield from ((path, text) for path, text in texts.items() if text != path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for path, text in changed():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(ROOT))
