"""`kata doctor`: a line for each thing, and what to do where it is not fine."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from importlib import metadata

import pytest
from click.testing import CliRunner

from kata import doctor
from kata.cli import main
from kata.doctor import Mark, NotReady, Unusual, is_ready, needs
from kata.lesson import ready
from kata.target import WORKSPACE_VARIABLE
from kata.verdict import speed

COURSE = {name: check for name, check in vars(doctor).items() if name.startswith("_")}


def test_nothing_fails_here():
    lines = needs()
    assert [line for line in lines if line.mark is not Mark.OK] == []


def test_the_lesson_says_it_in_words_that_are_the_same_on_every_good_machine():
    assert ready().splitlines() == [f"✓ {line.name}" for line in needs()]
    assert not any(character.isdigit() for character in ready())


@pytest.mark.slow
def test_the_command_line_looks_at_everything_and_says_what_it_found(monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 60.0)
    monkeypatch.setattr(doctor, "SLOW", 60.0)
    run = CliRunner().invoke(main, ["doctor"])
    assert run.exit_code == 0, run.output
    for name in ("this Python", "a kernel that starts", "editors", "saved files", "the beat of an idle loop"):
        assert any(f"  {name}" in line for line in run.output.splitlines()), name
    assert ".".join(map(str, sys.version_info[:3])) in run.output
    assert "ms typical" in run.output
    assert "OK    verdicts (2.2: " in run.output
    assert " s cold, " in run.output


def line(name, mark, todo=""):
    return doctor.Line(name, mark, "7", todo)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([line("a", Mark.OK), line("b", Mark.OK)], 0),
        ([line("a", Mark.OK), line("b", Mark.WARN, "mind it")], 0),
        ([line("a", Mark.WARN, "mind it"), line("b", Mark.FAIL, "mend it")], 1),
    ],
)
def test_json_and_exit_status(monkeypatch, lines, status):
    monkeypatch.setattr(doctor, "everything", lambda: lines)
    run = CliRunner().invoke(main, ["doctor", "--json"])
    told = json.loads(run.output)
    assert run.exit_code == status
    assert told["ready"] is is_ready(lines) is (status == 0)
    assert told["checks"] == [each.as_dict() for each in lines]
    assert CliRunner().invoke(main, ["doctor"]).output == "\n".join(map(str, lines)) + "\n"


def test_a_line_says_mark_name_detail_and_what_to_do():
    assert str(line("disk", Mark.FAIL, "make room")) == "FAIL  disk (7): make room"
    assert str(doctor.Line("disk", Mark.OK, "")) == "OK    disk"


def told(check) -> tuple[str, str]:
    seen = doctor._examined("it", COURSE[check])
    return seen.mark, seen.todo


def test_another_python_fails(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    mark, todo = told("_python")
    assert mark == "FAIL"
    assert todo.startswith("this is Python 3.9.1, the course needs")


def test_a_missing_package_and_an_old_one_fail(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: ["no-such-package>=1"])
    assert told("_packages") == ("FAIL", "no-such-package is missing: install the course with `uv sync`")
    monkeypatch.setattr(metadata, "requires", lambda name: ["groq>=99", "nothing ; python_version < '3'"])
    assert told("_packages") == ("FAIL", f"groq is {metadata.version('groq')}, not >=99: run `uv sync`")


def test_a_project_from_elsewhere_fails(monkeypatch, tmp_path):
    (tmp_path / "starter").mkdir()
    (tmp_path / "starter" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "starter", raising=False)
    importlib.invalidate_caches()
    mark, todo = told("_project")
    assert mark == "FAIL"
    assert f"starter is that of {tmp_path}" in todo
    sys.modules.pop("starter", None)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_fails(monkeypatch, tmp_path):
    tmp_path.chmod(0o500)
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    assert told("_disk")[0] == "FAIL"


def test_a_full_disk_fails(monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_ROOM", 2**80)
    mark, todo = told("_disk")
    assert mark == "FAIL"
    assert "make room" in todo


def test_a_kernel_of_another_environment_fails(monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 60.0)
    monkeypatch.setattr(sys, "prefix", "/somewhere/else")
    mark, todo = told("_kernel")
    assert mark == "FAIL"
    assert "start JupyterLab with `uv run jupyter lab`" in todo


def test_a_kernel_that_does_not_answer_in_time_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 0.01)
    mark, todo = told("_kernel")
    assert mark == "WARN"
    assert todo.startswith("none answered within 0.01 s: the machine is busy, or a firewall")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_a_kernel_that_does_not_start_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "PATIENCE", 60.0)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\necho no kernel here >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o700)
    assert told("_kernel")[1] == "none started, no kernel here: install the course anew with `uv sync`"


def test_other_versions_than_those_tested_with_are_a_warning(monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("groq==0.1\nhttpx==0.28.1\nnothing==1 ; python_version < '3'\n")
    monkeypatch.setattr(doctor, "project_root", lambda: tmp_path)
    seen = doctor._examined("it", doctor._pins)
    assert (seen.mark, seen.detail) == (Mark.WARN, f"groq {metadata.version('groq')}")


def test_an_interpreter_outside_the_project_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "project_root", lambda: tmp_path)
    assert told("_editor") == ("WARN", f"an editor of your own has to be told the interpreter: {sys.executable}")


def test_files_whose_saving_is_not_announced_are_a_warning(monkeypatch):
    import watchfiles

    monkeypatch.setattr(watchfiles, "watch", lambda *args, **settings: iter(()))
    assert told("_file_events")[0] == "WARN"


def timed(monkeypatch, *, cold, warm) -> doctor.Line:
    monkeypatch.setattr(speed, "cold", lambda finding, runs: cold())
    monkeypatch.setattr(speed, "warm", lambda finding, runs, rehearsals: warm())
    return doctor._examined("verdicts", doctor._verdicts)


def test_verdicts_are_timed_cold_and_warm(monkeypatch):
    seen = timed(monkeypatch, cold=lambda: 2.04, warm=lambda: 0.61)
    assert str(seen) == "OK    verdicts (2.2: 2.0 s cold, 0.6 s warm)"
    seen = timed(monkeypatch, cold=lambda: 2.04, warm=lambda: None)
    assert str(seen) == "OK    verdicts (2.2: 2.0 s cold, no server here)"


def test_slow_verdicts_are_a_warning(monkeypatch):
    seen = timed(monkeypatch, cold=lambda: doctor.SLOW + 1, warm=lambda: None)
    assert (seen.mark, seen.detail) == (Mark.WARN, "2.2: 6.0 s cold")
    assert "the machine is slow or busy" in seen.todo


def test_verdicts_that_do_not_come_are_not_waited_for(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(doctor, "PATIENCE", 0.5)
    seen = timed(monkeypatch, cold=lambda: 0.1, warm=over.wait)
    assert (seen.mark, seen.detail) == (Mark.WARN, "2.2: 0.1 s cold, no warm one within 0.5 s")
    seen = timed(monkeypatch, cold=over.wait, warm=over.wait)
    assert (seen.mark, seen.detail) == (Mark.WARN, "2.2: none within 0.5 s")
    over.set()


def test_a_verdict_that_cannot_be_had_is_a_failure(monkeypatch):
    seen = timed(monkeypatch, cold=lambda: int("x"), warm=lambda: None)
    assert seen.mark is Mark.FAIL


def test_a_busy_machine_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "LATE", 0.0)
    seen = doctor._examined("it", doctor._beat)
    assert seen.mark is Mark.WARN
    assert "5 ms asked" in seen.detail


def test_what_breaks_in_a_way_of_its_own_fails_and_hides_no_other(monkeypatch):
    def broken():
        raise KeyError("metadata")

    def odd():
        raise Unusual("mind it")

    def missing():
        raise NotReady("mend it")

    monkeypatch.setattr(doctor, "_NEEDS", {"a": broken, "b": odd, "c": missing, "d": lambda: "8"})
    assert [each.mark for each in needs()] == ["FAIL", "WARN", "FAIL", "OK"]
    assert "KeyError: 'metadata'; install the course anew" in needs()[0].todo
