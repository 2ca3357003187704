"""The manifest, the code, the tests, the lessons and the README speak of the same findings."""

from __future__ import annotations

import filecmp
import re
from pathlib import Path

import minutes
import pytest

from kata.audit import Location, UnknownFinding, audit, project_root

ROOT = project_root()
FINDINGS = audit().findings
EVERYTHING = audit().everything
CHAPTERS = [section for section in audit().sections if section.notebook]


def by_id(finding) -> str:
    return finding.id


def test_it_has_the_nine_findings_and_the_three_good_patterns_of_the_report_and_two_beyond_it():
    assert [finding.id for finding in FINDINGS] == ["1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.3", "3.1"]
    assert [pattern.id for pattern in audit().patterns] == ["4.1", "4.2", "4.3"]
    assert [finding.id for finding in audit().beyond] == ["6.1", "6.2"]
    chapters = {section.number for section in CHAPTERS}
    numbers = {section.number for section in audit().sections}
    assert {entry.id[0] for entry in (*EVERYTHING, *audit().patterns)} | chapters == numbers


@pytest.mark.parametrize("finding", EVERYTHING, ids=by_id)
def test_a_finding_has_minutes_and_hints_that_say_something(finding):
    assert finding.teach > 0
    assert finding.do > 0
    assert len(finding.hints) >= 3
    assert all(len(hint) > 30 for hint in finding.hints)
    assert len(set(finding.hints)) == len(finding.hints)


@pytest.mark.parametrize("entry", [*EVERYTHING, *audit().patterns], ids=by_id)
@pytest.mark.parametrize("package", ["starter", "solution"])
def test_where_something_is_said_to_be_there_is_code(entry, package):
    for location in entry.where:
        assert location.line(ROOT / package), f"{location} is not in {package}"


@pytest.mark.parametrize("finding", EVERYTHING, ids=by_id)
def test_the_tests_of_a_finding_ask_for_behaviour_and_for_the_finding(finding):
    text = (ROOT / finding.tests).read_text(encoding="utf-8")
    marks = re.findall(r"@pytest\.mark\.(behaviour|finding|remark)\(\s*\"([\d.]+)\"", text)
    assert {id for _, id in marks} == {finding.id}
    assert {kind for kind, _ in marks} >= {"behaviour", "finding"}


@pytest.mark.parametrize("finding", FINDINGS, ids=by_id)
def test_a_lesson_of_the_manifest_is_in_the_readme(finding):
    row = (
        f"| [{finding.id} · {finding.title}](notebooks/{finding.notebook}) "
        f"| {finding.priority} | {finding.teach} | {finding.do} |"
    )
    assert row in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("section", CHAPTERS, ids=lambda section: section.number)
def test_a_lesson_for_a_whole_chapter_has_minutes_and_is_in_the_readme(section):
    assert section.teach > 0
    assert section.do > 0
    row = f"| [{section.number} · {section.title}](notebooks/{section.notebook}) | | {section.teach} | {section.do} |"
    assert row in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("pattern", audit().patterns, ids=by_id)
def test_a_good_pattern_has_tests(pattern):
    assert "async def test_" in (ROOT / pattern.tests).read_text(encoding="utf-8")


def test_every_lesson_on_the_disk_is_in_the_manifest():
    lessons = {path.name for path in (ROOT / "notebooks").glob("[1-9]_*.ipynb")}
    assert lessons == {entry.notebook for entry in (*EVERYTHING, *CHAPTERS)}


def modules(package: str) -> dict[str, Path]:
    folder = ROOT / package
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}


def test_starter_and_solution_differ_only_where_a_finding_is():
    starter, solution = modules("starter"), modules("solution")
    assert set(starter) == set(solution)
    differing = {name for name in starter if not filecmp.cmp(starter[name], solution[name], shallow=False)}
    assert differing == {location.path for finding in EVERYTHING for location in finding.where}


@pytest.mark.parametrize("package", ["starter", "solution"])
def test_a_package_imports_itself_by_relative_imports_only(package):
    for name, path in modules(package).items():
        absolute = re.findall(r"^\s*(?:from|import) (?:starter|solution|workspace)\b.*", path.read_text(), re.MULTILINE)
        assert absolute == [], name


def test_an_unknown_id_is_told_which_there_are():
    with pytest.raises(UnknownFinding, match=r"no finding '9\.9': there are 1\.1, "):
        audit().finding("9.9")


def test_a_location_is_found_by_its_qualified_name(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n\n\nclass A:\n    async def b(self):\n        pass\n")
    assert Location.parse("a.py::A.b").line(tmp_path) == 5
    assert Location.parse("a.py").line(tmp_path) == 1
    assert Location.parse("a.py::A.c").line(tmp_path) is None
    assert Location.parse("gone.py::A").line(tmp_path) is None
    assert str(Location.parse("a.py::A.b")) == "a.py::A.b"


def test_minutes_are_said_everywhere_as_the_manifest_has_them():
    told = "write them anew: `uv run python tests/frame/minutes.py`"
    assert [path.name for path, _ in minutes.changed()] == [], told


def test_other_minutes_are_found_wherever_they_are_said():
    sleep = audit().finding("1.4")
    both, all_in_all = f"{sleep.teach} to read and run, {sleep.do} to", sleep.teach + sleep.do
    said = ("**Minutes**: {0}", "1.4 · {2} (minutes: {0}", "1.4  high   {1:>3} min  {2}")
    right = "\n".join(said).format(both, all_in_all, sleep.title)
    wrong = re.sub(r"\d+ (to|min)", r"99 \1", right)
    assert wrong != right
    assert minutes.said_in_a_notebook(wrong, sleep.notebook) == right
    row = f"| [1.4 · {sleep.title}](notebooks/{sleep.notebook}) | high | {sleep.teach} | {sleep.do} |"
    assert minutes.said_in_the_readme(re.sub(r"\d+ \|", "99 |", row)) == row
