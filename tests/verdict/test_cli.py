"""`kata` on the command line: exit statuses, JSON, and words for wrong calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kata.audit import audit, project_root
from kata.cli import main
from kata.target import WORKSPACE_VARIABLE, UnknownTarget, folder_of


@pytest.fixture
def kata(tmp_path, monkeypatch):
    """Call the command line with a workspace of its own."""
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))

    def call(*arguments):
        return CliRunner().invoke(main, arguments)

    return call


def test_the_starter_is_not_fixed_and_the_status_is_1(kata):
    run = kata("check", "1.4", "--target", "starter")
    assert run.exit_code == 1
    assert run.output.splitlines()[0] == "✗ 1.4 time.sleep between retries (starter): present"
    assert "culprit: starter/modules/speech/speech_to_text.py:" in run.output


def test_the_solution_is_fixed_and_the_status_is_0(kata):
    run = kata("check", "1.4", "--target", "solution")
    assert run.exit_code == 0
    assert run.output.splitlines()[0] == "✓ 1.4 time.sleep between retries (solution): fixed"


@pytest.mark.slow
def test_all_that_can_be_judged_are_judged_where_no_id_is_given(kata):
    run = kata("check", "--target", "solution", "--json")
    table = json.loads(run.output)
    assert [finding["id"] for finding in table["findings"]] == [finding.id for finding in audit().findings]
    assert {finding["status"] for finding in table["findings"]} == {"fixed"}
    assert run.exit_code == 0


def test_json_has_the_keys_it_promises(kata):
    table = json.loads(kata("check", "1.4", "--target", "starter", "--json").output)
    (finding,) = table["findings"]
    assert table["target"] == "starter"
    assert set(finding) == {"id", "status", "behaviour", "culprit", "message", "seconds"}
    assert set(finding["culprit"]) == {"file", "line", "function", "source"}
    assert (finding["id"], finding["status"], finding["behaviour"]) == ("1.4", "present", "kept")


def test_a_culprit_that_is_not_known_is_null(kata):
    table = json.loads(kata("check", "1.4", "--target", "solution", "--json").output)
    assert table["findings"][0]["culprit"] is None


def test_what_cannot_be_judged_is_status_3(kata, tmp_path):
    (tmp_path / "empty").mkdir()
    run = kata("check", "1.4", "--target", str(tmp_path / "empty"))
    assert run.exit_code == 3
    assert "error" in run.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "9.9"], "no finding '9.9': there are 1.1, 1.2"),
        (["check", "1.4", "--target", "nowhere"], "pass workspace, starter, solution or a path"),
        (["check", "1.4"], "make it with `kata start`"),
        (["hint", "1.4", "99"], "has hints 1 to"),
        (["hint", "1.4", "0"], "0 is not in the range"),
        (["hint", "x"], "no finding 'x'"),
        (["diff", "x"], "no finding 'x'"),
        (["transcribe", "gone.ogg"], "does not exist"),
        (["nonsense"], "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_status_2_and_says_what_is_right(kata, arguments, says):
    run = kata(*arguments)
    assert run.exit_code == 2
    assert says in run.output


def test_start_makes_the_workspace_and_never_overwrites_it(kata, tmp_path):
    assert "made" in kata("start").output
    file = tmp_path / "workspace" / "modules" / "speech" / "speech_to_text.py"
    assert file.read_bytes() == (project_root() / "starter" / "modules" / "speech" / "speech_to_text.py").read_bytes()
    file.write_text("mine")
    run = kata("start")
    assert "is there already" in run.output
    assert (run.exit_code, file.read_text()) == (0, "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def test_hints_go_from_a_nudge_to_nearly_the_answer(kata):
    assert "hint 1 of 4" in kata("hint", "1.4").output
    assert "await asyncio.sleep(backoff_time)" in kata("hint", "1.4", "4").output


def test_diff_shows_the_finding_s_own_fix(kata):
    lines = kata("diff", "1.4", "--solution").output.splitlines()
    assert "-                time.sleep(backoff_time)" in lines
    assert "+                await asyncio.sleep(backoff_time)" in lines
    assert not any("Groq" in line for line in lines if line[:1] in "+-")


def test_the_solution_is_not_shown_before_the_finding_is_fixed_or_one_asks(kata, tmp_path):
    kata("start")
    file = tmp_path / "workspace" / "modules" / "speech" / "speech_to_text.py"
    file.write_text(file.read_text().replace("time.sleep(backoff_time)", "time.sleep(0)"))
    lines = kata("diff", "1.4").output.splitlines()
    assert "+                time.sleep(0)" in lines
    assert "the solution is shown when 1.4 is fixed, or now: `kata diff 1.4 --solution`" in lines
    assert not any("asyncio" in line for line in lines)
    text = file.read_text().replace("import time\n", "import asyncio\n")
    file.write_text(text.replace("time.sleep(0)", "await asyncio.sleep(backoff_time)"))
    assert kata("check", "1.4").output.splitlines()[-1].startswith("board: 1 of ")
    lines = kata("diff", "1.4").output.splitlines()
    assert lines.count("+                await asyncio.sleep(backoff_time)") == 2
    assert lines[-2:] == [
        "from your workspace to the solution, in the code of 1.4",
        "shown when 1.5, 2.1 are fixed too, or now: `kata diff 1.4 --solution`",
    ]
    assert "+        self._client = AsyncGroq(" in kata("diff", "1.4", "--solution").output.splitlines()


def test_of_the_solution_only_the_finding_s_own_code_is_shown(kata, tmp_path):
    kata("start")
    file = tmp_path / "workspace" / "graph" / "nodes.py"
    text = file.read_text().replace("import logging\n", "import asyncio\nimport logging\n", 1)
    folder = "services.settings.IMAGE_FOLDER"
    mended = text.replace(f"os.makedirs({folder}, ", f"await asyncio.to_thread(os.makedirs, {folder}, ")
    file.write_text(mended)
    shown = kata("diff", "1.1", "--solution").output
    assert shown.endswith("from your workspace to the solution, in the code of 1.1\nno difference\n")
    assert "memory_injection_node" not in shown
    file.write_text(mended.replace("scenario = await", "scene = scenario = await"))
    last = kata("diff", "1.1", "--solution").output.rpartition("in the code of 1.1\n")[2]
    assert [line for line in last.splitlines() if line[:2] in ("+ ", "- ")] == [
        "-    scene = scenario = await services.text_to_image.create_scenario(history)",
        "+    scenario = await services.text_to_image.create_scenario(history)",
    ]


@pytest.mark.parametrize("package", ["starter", "solution"])
def test_transcribe_turns_real_audio_into_its_text(kata, package, monkeypatch):
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    sound = project_root() / "notebooks" / "kata" / "audio" / "voice_note.ogg"
    run = kata("transcribe", str(sound), "--package", package)
    assert run.output == "(stand-in) Hi, it's me. Shall we meet at the station tomorrow at nine?\n"


@pytest.mark.slow
def test_pytest_judges_one_package_with_target():
    tests = "tests/findings/test_1_4_sleep_between_retries.py"
    command = [sys.executable, "-m", "pytest", tests, "-q", "-x", "-n0", "-p", "no:cacheprovider"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    for target, status in (("solution", 0), ("starter", 1), ("nowhere", 4)):
        run = subprocess.run(
            [*command, f"--target={target}"],
            cwd=project_root(),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == status, run.stdout + run.stderr
        assert "xfailed" not in run.stdout


def test_a_path_is_a_target(tmp_path):
    assert folder_of(str(tmp_path)) == tmp_path.resolve()
    with pytest.raises(UnknownTarget):
        folder_of(str(tmp_path / "gone"))


@pytest.mark.parametrize("group", [[], ["hub"]])
def test_no_line_of_the_help_is_cut(kata, group):
    said = kata(*group, "--help")
    assert said.exit_code == 0
    _, commands = said.output.split("Commands:\n")
    assert [line for line in commands.splitlines() if line.rstrip().endswith(("...", "…"))] == []
    assert max(map(len, said.output.splitlines())) <= 80
