"""The board speaks of the files that stand there, after any restart, and says so where it cannot."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kata.audit import audit, project_root
from kata.verdict import Status
from kata.verdict.model import Behaviour, Verdict
from kata.workspace import progress
from kata.workspace.progress import board, judged, standing
from kata.workspace.reach import affected, reach

STT = "modules/speech/speech_to_text.py"
FINDINGS = audit().findings
ALL_IDS = {finding.id for finding in FINDINGS}
SLEEP = audit().finding("1.4")
SPEAKING = audit().finding("2.2")
FOLDER = audit().finding("1.1")


@pytest.fixture
def fixed(monkeypatch):
    """The judge finds everything fixed."""
    monkeypatch.setattr(progress, "judge", lambda finding, folder: verdict_on(finding.id))


def verdict_on(id):
    return Verdict(id, Status.FIXED, Behaviour.KEPT, None, "the event loop turns", 1.0)


def test_nothing_is_known_before_anything_was_judged(begun):
    assert {str(each) for each in board().standings} == {"not checked yet"}
    assert board().minutes_left == board().minutes == sum(finding.teach + finding.do for finding in FINDINGS)
    assert board().next.finding == FINDINGS[0]


def test_without_a_workspace_there_is_a_board_all_the_same(desk):
    run = desk.kata("progress")
    assert run.exit_code == 0
    assert f"0 of {len(FINDINGS)} fixed" in run.output


def test_a_verdict_is_on_the_board(begun):
    judged(SLEEP, begun.folder)
    assert str(standing(SLEEP)) == "untouched"
    assert "· 1.4  high    25 min  time.sleep between retries: untouched" in begun.kata("progress").output


def test_every_finding_and_every_minute_is_on_it(begun, fixed):
    for finding in FINDINGS[:-1]:
        judged(finding, begun.folder)
    left = FINDINGS[-1].teach + FINDINGS[-1].do
    run = begun.kata("progress")
    assert all(f"{finding.id}  {finding.priority}" in run.output for finding in audit().findings)
    titles = [section.title for section in audit().sections if f"{section.number} {section.title}" in run.output]
    numbers = {entry.id[0] for entry in (*FINDINGS, *audit().patterns)}
    assert titles == [section.title for section in audit().sections if section.number in numbers]
    assert f"{len(FINDINGS) - 1} of {len(FINDINGS)} fixed, {left} of {board().minutes} minutes left" in run.output
    assert f"next: {FINDINGS[-1].id}" in run.output


def test_a_changed_file_puts_the_verdicts_that_depend_on_it_out_of_date(begun, fixed):
    for finding in (SLEEP, SPEAKING):
        judged(finding, begun.folder)
    before = begun.read()
    begun.write(before + "# a thought\n")
    assert str(standing(SLEEP)) == f"fixed, out of date: {STT} changed"
    assert not standing(SLEEP).is_fixed
    assert standing(SPEAKING).is_fixed
    begun.write(before)
    assert standing(SLEEP).is_fixed


@pytest.mark.parametrize("deed", ["added", "deleted", "renamed"])
def test_so_does_a_file_that_comes_or_goes(begun, fixed, deed):
    judged(SLEEP, begun.folder)
    place = begun.folder / "core" / "exceptions.py"
    if deed == "added":
        (begun.folder / "core" / "resilience").mkdir()
        (begun.folder / "core" / "resilience" / "__init__.py").touch()
    elif deed == "deleted":
        place.unlink()
    else:
        place.rename(place.with_name("errors.py"))
    assert not standing(SLEEP).is_current


def test_tests_of_the_course_that_have_changed_do_so_too(begun, fixed):
    judged(SLEEP, begun.folder)
    file = begun.folder / ".kata" / "verdicts" / "1.4.json"
    kept = json.loads(file.read_text())
    kept["files"][progress.TESTS] = "others"
    file.write_text(json.dumps(kept))
    assert str(standing(SLEEP)) == "fixed, out of date: the course's tests changed"


def test_a_file_that_changes_while_it_is_judged_leaves_no_verdict(begun, monkeypatch):
    def judge(finding, folder):
        begun.write(begun.read() + "# meanwhile\n")
        return verdict_on(finding.id)

    monkeypatch.setattr(progress, "judge", judge)
    assert judged(SLEEP, begun.folder).status is Status.FIXED
    assert standing(SLEEP).verdict is None


def test_only_verdicts_on_the_workspace_are_kept(begun, fixed):
    judged(SLEEP, project_root() / "solution")
    assert standing(SLEEP).verdict is None
    assert not (project_root() / "solution" / ".kata").exists()


def test_it_is_the_same_in_another_process(begun, fixed):
    judged(SLEEP, begun.folder)
    command = [sys.executable, "-c", "from kata.cli import main; main()", "progress", "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told == board().as_dict()
    assert next(each for each in told["findings"] if each["id"] == "1.4")["status"] == "fixed"


@pytest.mark.parametrize("content", ["", "{}", '{"verdict": {"status": "perfect"}, "files": {}}', "[1]", "\ud800"])
def test_a_verdict_that_somebody_has_edited_is_none(begun, fixed, content):
    judged(SLEEP, begun.folder)
    (begun.folder / ".kata" / "verdicts" / "1.4.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    assert standing(SLEEP).verdict is None


def test_a_reset_puts_the_verdict_out_of_date(begun, fixed):
    begun.replace("time.sleep(", "print(")
    judged(SLEEP, begun.folder)
    begun.kata("reset", "1.4")
    assert not standing(SLEEP).is_current
    begun.kata("reset", "--undo")
    assert standing(SLEEP).is_fixed


class TestReach:
    """A verdict depends on what the finding is about, what its tests load, and what these import."""

    @pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.id)
    def test_it_holds_the_finding_s_own_files(self, begun, finding):
        within = reach(finding, begun.folder)
        assert all(location.path in within for location in finding.where)
        assert not within.everything
        assert "settings.py" in within

    def test_imports_are_followed_and_others_are_left_out(self, begun):
        within = reach(SLEEP, begun.folder)
        assert {"core/resilience.py", "core/exceptions.py", "core/__init__.py", "__init__.py"} <= within.paths
        assert "modules/speech/text_to_speech.py" not in within

    def test_what_the_tests_load_is_followed_too(self, begun):
        assert "modules/memory/long_term/vector_store.py" in reach(FOLDER, begun.folder)

    def test_a_module_of_the_learner_s_own_is_followed(self, begun):
        (begun.folder / "pause.py").write_text("from .core import *\n")
        begun.write("from workspace.modules.speech import text_to_speech\nfrom ...pause import pause\n" + begun.read())
        within = reach(SLEEP, begun.folder)
        assert {"pause.py", "modules/speech/text_to_speech.py"} <= within.paths

    @pytest.mark.parametrize("text", ["half(", "import importlib\n", "exec('import x')\n"])
    def test_where_it_cannot_be_told_it_is_everything(self, begun, text):
        begun.write(text)
        assert "graph/nodes.py" in reach(SLEEP, begun.folder)
        assert "graph/nodes.py" not in reach(audit().finding("2.2"), begun.folder)

    def test_a_change_affects_those_who_depend_on_it(self, begun):
        speech = {finding.id for finding in FINDINGS if STT in {location.path for location in finding.where}}
        assert speech <= {finding.id for finding in affected(FINDINGS, begun.folder, [STT])} <= ALL_IDS - {"2.2"}
        assert affected(FINDINGS, begun.folder, ["settings.py"]) == list(FINDINGS)
        assert affected(FINDINGS, begun.folder, ["notes.py"]) == []
