"""`kata watch` in a real terminal: a save is judged, keys are answered, and one can always leave."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kata.audit import audit, project_root

STT = "modules/speech/speech_to_text.py"
pexpect = pytest.importorskip("pexpect", reason="pseudo-terminals are of POSIX")
pytestmark = pytest.mark.slow


def test_a_save_is_judged_and_keys_are_answered(watch, desk):
    terminal = watch("1.4")
    terminal.expect(r"· 1\.4 time\.sleep between retries \(workspace\): untouched")
    terminal.expect("h hint · d diff · r reset · n next · q quit")

    desk.mend()
    terminal.expect(r"speech_to_text\.py changed: \d+ findings to judge")
    terminal.expect(r"✓ 1\.4 time\.sleep between retries \(workspace\): fixed")
    terminal.expect(r"workspace: 1 of \d+ fixed")

    terminal.send("h")
    terminal.expect("hint 1 of 4: ")
    terminal.send("h")
    terminal.expect("hint 2 of 4: ")

    terminal.send("d")
    terminal.expect(r"\+                await asyncio\.sleep\(backoff_time\)")
    terminal.expect("from your workspace to the solution")

    terminal.send("r")
    terminal.expect("r once more puts back")
    terminal.send("h")
    terminal.expect("hint 3 of 4: ")
    assert "await asyncio.sleep" in (desk.folder / STT).read_text()
    terminal.send("rr")
    terminal.expect(r"kept as copy 1: `kata reset --undo`")
    terminal.expect(r"1\.4 time\.sleep between retries \(workspace\): untouched")
    assert "await asyncio.sleep" not in (desk.folder / STT).read_text()

    terminal.send("n")
    terminal.expect(r"→ . 1\.5 ")

    terminal.send("q")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0


def test_it_begins_with_the_first_that_is_not_fixed(watch, desk):
    terminal = watch()
    terminal.expect(rf"→ . {audit().findings[0].id} ")


def test_a_file_that_no_finding_uses_is_named(watch, desk):
    terminal = watch("1.4")
    terminal.expect("untouched")
    (desk.folder / "notes.py").write_text("x = 1\n")
    terminal.expect(r"notes\.py changed: no finding uses it")


def test_a_save_while_it_judges_is_judged_as_well(watch, desk):
    terminal = watch("1.4")
    terminal.expect("judging 1.4")
    desk.mend()
    terminal.expect(r"✓ 1\.4 time\.sleep between retries \(workspace\): fixed")


def test_one_can_leave_while_it_judges_and_the_terminal_is_as_before(watch, desk):
    import termios

    desk.replace("audio_format = _checked(audio_data, audio_format)\n", "while True: pass\n")
    terminal = watch("1.4")
    before = termios.tcgetattr(terminal.child_fd)
    terminal.expect("judging 1.4")
    terminal.send("q")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0
    assert termios.tcgetattr(terminal.child_fd)[3] == before[3]


def test_control_c_leaves(watch, desk):
    terminal = watch("1.4")
    terminal.expect("h hint")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0


def test_the_terminal_that_goes_ends_it(watch, desk):
    terminal = watch("1.4")
    terminal.expect("h hint")
    terminal.close(force=False)
    assert not terminal.isalive()


@pytest.mark.parametrize("environment", [{"WATCHFILES_FORCE_POLLING": "true"}, {}], ids=["polling", "events"])
def test_a_file_that_an_editor_replaces_is_picked_up(watch, desk, environment):
    terminal = watch("1.4", **environment)
    terminal.expect("untouched")
    file = desk.folder / STT
    beside = file.with_suffix(".tmp")
    beside.write_text(file.read_text().replace("time.sleep(backoff_time)", "time.sleep(backoff_time * 1)"))
    os.replace(beside, file)
    terminal.expect("present")


def test_without_a_terminal_it_says_what_to_do(desk):
    run = subprocess.run(
        [sys.executable, "-c", "from kata.cli import main; main()", "watch"],
        cwd=project_root(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "without one, use `kata check`" in run.stderr
