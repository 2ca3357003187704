"""`kata audit` on the command line: what it finds, allows and remembers, its formats and exit statuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator

from kata.cli import main
from kata.guards import engines

CODE = """\
import os
import time


class Speaker:
    async def speak(self):
        time.sleep(1)

    async def keep(self, folder):
        os.makedirs(folder)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two issues, as the folder in which the command is called."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speaker.py").write_text(CODE, encoding="utf-8")
    return tmp_path


def kata(*arguments):
    return CliRunner().invoke(main, ["audit", *arguments])


def issues(*arguments):
    return [
        (issue["rule"], issue["path"], issue["line"], issue["known"])
        for issue in json.loads(kata(*arguments, "--format", "json").stdout)["issues"]
    ]


def edit(project, old, new):
    text = (project / "speaker.py").read_text(encoding="utf-8")
    assert old in text
    (project / "speaker.py").write_text(text.replace(old, new), encoding="utf-8")


def test_issues_are_found_at_their_places_and_the_status_is_1(project):
    assert issues(".") == [("ASYNC251", "speaker.py", 7, False), ("file-system-call-on-loop", "speaker.py", 10, False)]
    assert kata(".").exit_code == 1


def test_clean_code_has_the_status_0(project):
    edit(project, "async def", "def")
    run = kata(".")
    assert run.exit_code == 0
    assert run.stdout.startswith(".: 0 issues (1 file, 10 lines, read by ast-grep, ruff)")


def test_one_place_is_told_once_whoever_finds_it(project):
    pytest.importorskip("flake8_async", reason="flake8-async is not installed")
    table = json.loads(kata(".", "--thorough", "--format", "json").stdout)
    assert [(issue["line"], issue["also"]) for issue in table["issues"]] == [(7, []), (10, ["ASYNC200"])]


@pytest.mark.parametrize(("fail_on", "status"), [("high", 0), ("medium", 1), ("low", 1), ("never", 0)])
def test_it_fails_on_a_priority_and_what_is_above_it(project, fail_on, status):
    (project / "speaker.py").write_text(
        "import tempfile\nasync def f():\n    return tempfile.mkdtemp()\n", encoding="utf-8"
    )
    assert kata(".", "--fail-on", fail_on).exit_code == status


def test_several_files_and_folders_are_audited_once(project):
    (project / "more").mkdir()
    (project / "more" / "speaker.py").write_text(CODE, encoding="utf-8")
    assert len(issues("speaker.py", "more", "more/speaker.py")) == 4
    assert kata("speaker.py", "more").stdout.startswith("speaker.py, more: 4 issues")
    assert kata("more", "more", "more", "more").stdout.startswith("4 paths: 2 issues")


def test_files_can_be_left_out(project):
    (project / "tests").mkdir()
    (project / "tests" / "test_it.py").write_text(CODE, encoding="utf-8")
    assert len(issues(".")) == 4
    assert len(issues(".", "--exclude", "tests/*")) == 2


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "some_environment"])
def test_other_peoples_code_is_left_out(project, folder):
    (project / folder).mkdir()
    (project / folder / "theirs.py").write_text(CODE, encoding="utf-8")
    if folder == "some_environment":
        (project / folder / "pyvenv.cfg").touch()
    assert {path for _, path, _, _ in issues(".")} == {"speaker.py"}


@pytest.mark.parametrize("function", ["normpath", "abspath", "relpath"])
def test_what_only_works_on_a_paths_text_does_not_ask_the_disk(project, function):
    body = f"    if os.path.exists(name):\n        return os.path.{function}(name)\n"
    (project / "speaker.py").write_text(f"import os\nasync def f(name):\n{body}", encoding="utf-8")
    assert [issue[2] for issue in issues(".")] == [3]


# Allowances


def test_a_line_may_be_allowed_with_a_reason(project):
    edit(project, "time.sleep(1)", "time.sleep(1)  # kata: allow ASYNC251 because nobody else is served yet")
    edit(
        project,
        "        os.make",
        "        # kata: allow file-system-call-on-loop because at start-up\n        os.make",
    )
    run = kata(".")
    assert run.exit_code == 0
    assert "speaker.py:7:9  ASYNC251: nobody else is served yet" in run.stdout
    assert "speaker.py:11:9  file-system-call-on-loop: at start-up" in run.stdout


@pytest.mark.parametrize("comment", ["# kata: allow ASYNC251", "# kata: allow ASYNC251 because", "# kata: allow"])
def test_an_allowance_without_a_reason_is_not_heeded_but_reported(project, comment):
    edit(project, "time.sleep(1)", f"time.sleep(1)  {comment}")
    assert [rule for rule, *_ in issues(".")] == ["ASYNC251", "file-system-call-on-loop", "allow-without-reason"]


def test_an_allowance_of_what_is_not_there_is_reported(project):
    edit(project, "time.sleep(1)", "time.sleep(1)  # kata: allow ASYNC230 because of the disk")
    assert [rule for rule, *_ in issues(".")] == ["ASYNC251", "file-system-call-on-loop", "allow-without-effect"]


def test_an_allowance_for_an_engine_that_did_not_run_is_left_alone(project):
    edit(project, "time.sleep(1)", "pass  # kata: allow ASYNC211 because flake8-async sees it")
    assert [rule for rule, *_ in issues(".")] == ["file-system-call-on-loop"]


def test_a_text_that_reads_like_an_allowance_is_none(project):
    edit(project, "time.sleep(1)", 'text = "# kata: allow ASYNC251"')
    assert [rule for rule, *_ in issues(".")] == ["file-system-call-on-loop"]


# The baseline


@pytest.fixture
def baseline(project):
    assert kata(".", "--write-baseline", "old.json").exit_code == 0
    return project


def test_old_issues_do_not_fail(baseline):
    run = kata(".", "--baseline", "old.json")
    assert run.exit_code == 0
    assert run.stdout.startswith(".: 0 issues, 2 more known from the baseline")


def test_moved_and_reindented_lines_are_still_known(baseline):
    edit(baseline, "import os\n", "import os\n\n\nSECONDS = 1\n\n")
    edit(baseline, "        time.sleep(1)\n", "        if SECONDS:\n            time.sleep(1)\n")
    assert [known for *_, known in issues(".", "--baseline", "old.json")] == [True, True]


def test_a_new_issue_fails_and_is_told_from_the_old_ones(baseline):
    edit(baseline, "        time.sleep(1)\n", "        time.sleep(2)\n        time.sleep(1)\n")
    assert [issue[2:] for issue in issues(".", "--baseline", "old.json")] == [(7, False), (8, True), (11, True)]
    assert kata(".", "--baseline", "old.json").exit_code == 1


def test_the_same_line_once_more_is_new(baseline):
    edit(baseline, "        time.sleep(1)\n", "        time.sleep(1)\n        time.sleep(1)\n")
    assert sorted(known for *_, known in issues(".", "--baseline", "old.json")) == [False, True, True]


def test_a_mended_issue_is_asked_to_be_taken_out(baseline):
    edit(baseline, "time.sleep(1)", "pass")
    run = kata(".", "--baseline", "old.json")
    assert run.exit_code == 0
    assert "1 issue of the baseline no longer found: write it anew" in run.stdout


def test_a_baseline_holds_wherever_the_command_is_called(baseline, monkeypatch):
    (baseline / "elsewhere").mkdir()
    monkeypatch.chdir(baseline / "elsewhere")
    assert kata("..", "--baseline", "../old.json").exit_code == 0
    assert kata(str(baseline / "speaker.py"), "--baseline", str(baseline / "old.json")).exit_code == 0


# Wrong calls, and what cannot be audited


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "Path 'nowhere' does not exist"),
        (["empty"], "no Python file is below empty: pass a package's folder, or a file"),
        ([".", "--baseline", "none.json"], "there is no baseline none.json: write one with --write-baseline none.json"),
        ([".", "--baseline", "speaker.py"], "speaker.py is no baseline"),
        ([".", "--baseline", "version.json"], "version.json is a baseline of version 9, not 1"),
        ([".", "--baseline", "list.json"], "list.json is no baseline"),
        ([".", "--write-baseline", "none/old.json"], "the baseline cannot be written"),
        ([".", "--format", "pdf"], "'pdf' is not one of"),
    ],
)
def test_a_wrong_call_says_what_to_do(project, arguments, says):
    (project / "empty").mkdir()
    (project / "version.json").write_text('{"version": 9, "issues": []}')
    (project / "list.json").write_text("[]")
    run = kata(*arguments)
    assert run.exit_code == 2
    assert says in run.stderr


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"async def f(:\n", "not audited: bad.py, line 1: "),
        (b"async def f():\n    x = '\xe9'\n", "not audited: bad.py, it is not UTF-8"),
    ],
)
@pytest.mark.parametrize("thorough", [[], ["--thorough"]])
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_audited(project, source, says, thorough):
    if thorough:
        pytest.importorskip("flake8_async", reason="flake8-async is not installed")
    (project / "bad.py").write_bytes(source)
    run = kata(".", *thorough)
    assert run.exit_code == 3
    assert says in run.stdout
    assert "speaker.py:7:9, in Speaker.speak" in run.stdout


def test_a_missing_engine_is_named_and_the_status_is_3(project, monkeypatch):
    monkeypatch.setattr(engines.shutil, "which", lambda *_, **__: None)
    run = kata(".")
    assert run.exit_code == 3
    assert "is not installed: it comes with the course, run `uv sync`" in run.stderr


def test_an_engine_that_fails_is_not_taken_for_clean_code(project, monkeypatch):
    monkeypatch.setattr(engines, "NEWEST_SYNTAX", "py1")
    run = kata(".")
    assert run.exit_code == 3
    assert "could not audit: " in run.stderr
    assert "ruff" in run.stderr


def test_more_files_than_fit_into_one_call_are_all_audited(project, monkeypatch):
    for number in range(12):
        (project / f"copy_{number}.py").write_text(CODE, encoding="utf-8")
    monkeypatch.setattr(engines, "LONGEST_CALL", 30)
    assert len(issues(".")) == 26


def test_code_that_is_newer_than_the_running_python_is_audited(project):
    lines = [
        "import time",
        "class Greeter:",
        "    async def greet(self):",
        '        greeting = t"hello"',
        "        time.sleep(1)",
    ]
    (project / "newer.py").write_text("\n".join(lines), encoding="utf-8")
    table = json.loads(kata("newer.py", "--format", "json").stdout)
    assert [(issue["line"], issue["qualname"]) for issue in table["issues"]] == [(5, "Greeter.greet")]


# Formats


def test_markdown_has_the_shape_of_an_audit(project):
    told = kata(".", "--format", "markdown").stdout
    headings = [line for line in told.splitlines() if line.startswith(("# ", "## ", "### "))]
    assert headings == [
        "# Async pattern audit",
        "## Overview",
        "## Findings",
        "### 1. Blocking I/O in async functions",
        "## Summary",
        "### Critical (high)",
        "## Recommendations",
    ]
    for part in ("**Location**", "**Issue**", "**Impact**", "**Recommendation**"):
        assert told.count(part) == 2
    assert "- `speaker.py:7` in `Speaker.speak`\n\n  ```python\n  time.sleep(1)\n  ```\n" in told


def test_github_gets_one_escaped_command_for_each_new_issue(project):
    (project / "a, b c%.py").write_text("import time\nasync def f():\n    time.sleep(1)\n", encoding="utf-8")
    commands = [line for line in kata(".", "--format", "github").stdout.splitlines() if line.startswith("::")]
    form = r"::(error|warning|notice) file=([^,:]+),line=\d+,col=\d+,title=kata audit%3A [\w-]+::\S.*"
    files = [re.fullmatch(form, command)[2] for command in commands]
    assert files == ["a%2C b c%25.py", "speaker.py", "speaker.py"]


def test_sarif_has_what_the_standard_and_code_scanning_ask_for(project):
    edit(project, "os.makedirs(folder)", "os.makedirs(folder)  # kata: allow file-system-call-on-loop because rare")
    (project / "with space.py").write_text(CODE, encoding="utf-8")
    (project / "bad.py").write_text("async def f(:\n", encoding="utf-8")
    log = json.loads(kata(".", "--format", "sarif").stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["results"]) == 4
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] in ("speaker.py", "with%20space.py")
        assert place["physicalLocation"]["region"]["startLine"] in (7, 10)
        assert set(result["partialFingerprints"]) == {"kataAudit/v1"}
    assert len({result["partialFingerprints"]["kataAudit/v1"] for result in run["results"]}) == 4
    suppressed = [result["suppressions"] for result in run["results"] if "suppressions" in result]
    assert suppressed == [[{"kind": "inSource", "justification": "rare"}]]


@pytest.fixture(scope="module")
def sarif_schema():
    """The standard's JSON schema, as the npm package @microsoft/jest-sarif 1.0.0-beta.0 has it (MIT licence)."""
    file = Path(__file__).with_name("sarif-2.1.0-rtm.5.json")
    return Draft4Validator(json.loads(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("what", ["nothing", "issues", "everything"])
def test_sarif_is_what_the_standard_s_schema_allows(project, baseline, sarif_schema, what):
    if what == "nothing":
        edit(project, "async def", "def")
    elif what == "everything":
        edit(project, "os.makedirs(folder)", "os.makedirs(folder)  # kata: allow file-system-call-on-loop because rare")
        edit(project, "import os\n", "import os\nasync def top():\n    time.sleep(2)\n")
        (project / "with space.py").write_text(CODE, encoding="utf-8")
        (project / "bad.py").write_text("async def f(:\n", encoding="utf-8")
    log = json.loads(kata(".", "--baseline", "old.json", "--format", "sarif").stdout)
    assert [error.message for error in sarif_schema.iter_errors(log)] == []
    assert len(log["runs"][0]["results"]) == {"nothing": 0, "issues": 2, "everything": 5}[what]


def test_the_schema_refuses_what_is_no_sarif(project, sarif_schema):
    log = json.loads(kata(".", "--format", "sarif").stdout)
    del log["runs"][0]["results"][0]["message"]
    log["runs"][0]["results"][1]["level"] = "fatal"
    assert len(list(sarif_schema.iter_errors(log))) == 2


@pytest.mark.parametrize("form", ["text", "markdown", "json", "sarif", "github"])
def test_every_format_can_tell_everything(project, form):
    edit(project, "time.sleep(1)", "time.sleep(1)  # kata: allow ASYNC251 because it is short")
    (project / "bad.py").write_text("async def f(:\n", encoding="utf-8")
    (project / "asks.py").write_text(
        "async def ask(client):\n    answer = await client.get('/')\n    answer.raise_for_status()\n", encoding="utf-8"
    )
    run = kata(".", "--format", form)
    assert run.exit_code == 3
    for told in ("file-system-call-on-loop", "bad.py"):
        assert told in run.stdout
