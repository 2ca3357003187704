"""`diff -r starter solution` is the refactoring: every line of it belongs to a finding, and a fixed starter is none."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from projects import pytest_in

from kata.audit import audit, project_root
from kata.gallery import Change, galleries, gallery

ROOT = project_root()
STARTER, SOLUTION = ROOT / "starter", ROOT / "solution"


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def touched(before: Sequence[str], after: Sequence[str]) -> Iterator[int]:
    """Numbers of the lines in `after`, from 0, that are not in `before`, or beside which something of it is gone."""
    for kind, _, _, start, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from range(start, end) if end > start else (start - 1, start)


def accounted_for(path: str) -> set[int]:
    """Lines of a module of the solution that a finding, put back, would change."""
    after = lines(SOLUTION / path)
    numbers: set[int] = set()
    for id in galleries():
        text = "\n".join(after) + "\n"
        for change in gallery(id).put_back:
            text = change.applied_to(text) if change.path == path else text
        numbers.update(touched(text.splitlines(), after))
    return numbers


def is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


@pytest.mark.parametrize("path", sorted({each.path for finding in audit().everything for each in finding.where}))
def test_every_line_that_differs_belongs_to_a_finding(path):
    after = lines(SOLUTION / path)
    known = accounted_for(path)
    foreign = [n for n in touched(lines(STARTER / path), after) if n not in known and not is_import(after[n])]
    assert not foreign, "\n".join(f"{path}:{n + 1}: {after[n]}" for n in foreign)


def test_a_line_that_no_finding_needs_is_seen(monkeypatch):
    monkeypatch.setattr(Change, "applied_to", lambda change, text: text)
    with pytest.raises(AssertionError, match="asyncio.sleep"):
        test_every_line_that_differs_belongs_to_a_finding("modules/speech/speech_to_text.py")


@pytest.mark.slow
def test_a_starter_that_is_fixed_already_fails_every_finding(project):
    shutil.rmtree(project / "starter")
    shutil.copytree(project / "solution", project / "starter")
    run = pytest_in(project, "tests/findings", "-m", "finding", "-k", "starter", "-rf")
    failed = re.findall(r"^FAILED tests/findings/(\S+)\.py::", run.stdout, re.MULTILINE)
    assert {f"tests/findings/{name}.py" for name in failed} == {finding.tests for finding in audit().everything}
    assert len(re.findall(r"^\[XPASS\(strict\)\]", run.stdout, re.MULTILINE)) == len(failed)
    assert run.stdout.splitlines()[-1].startswith(f"{len(failed)} failed")
