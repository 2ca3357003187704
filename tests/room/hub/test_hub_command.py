"""`kata hub` and what belongs to it, as far as no room has to be opened for it."""

from __future__ import annotations

import os
import socket
import stat
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from kata.audit import project_root
from kata.cli import main
from kata.room.hub import command, leaving, proxy, running
from kata.room.hub.accounts import Accounts
from kata.room.hub.settings import Room, State, is_loopback

pytestmark = pytest.mark.usefixtures("cheap")


@pytest.fixture
def allowed(monkeypatch):
    """This machine is one for a room."""
    monkeypatch.setattr(command, "_must_work_here", lambda: None)


@pytest.fixture
def state(tmp_path):
    """The folder of a room that was opened once, and has Ada in it."""
    room = Room(folder=str(tmp_path / "state"), prefix="kt-none-")
    room.state.make()
    room.write()
    accounts = Accounts(room.state.accounts)
    accounts.set_class("the class password")
    accounts.set("teacher", "the teacher's")
    accounts.take("ada", "the secret of ada")
    (room.home("ada") / "course" / "workspace").mkdir(parents=True)
    (room.home("ada") / "course" / "workspace" / "mine.py").write_text("mine")
    (room.home("ada") / "course" / ".venv").symlink_to("/somewhere")
    (room.home("ada") / ".cache").mkdir()
    return room.state.folder


def said(*arguments: str | Path, input: str | None = None, status: int = 0) -> str:
    """What the command says, and that it leaves with this status."""
    result = CliRunner().invoke(main, ["hub", *map(str, arguments)], input=input, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return " ".join(result.output.split())


def test_the_help_is_there_without_anything_that_a_room_needs(monkeypatch):
    monkeypatch.setattr(command.sys, "platform", "win32")
    assert "Open a room" in said("--help")


def test_another_system_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(command.sys, "platform", "darwin")
    assert "a room needs Linux" in said(status=1)


def test_who_is_not_root_is_told_why_and_what_to_do(monkeypatch):
    monkeypatch.setattr(command.os, "geteuid", lambda: 1000)
    refusal = said(status=1)
    assert "only root can" in refusal
    assert "sudo uv run kata hub" in refusal
    assert "uv run jupyter lab" in refusal


def test_without_jupyterhub_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    monkeypatch.setitem(command.sys.modules, "jupyterhub", None)
    assert "uv sync --group hub" in said(status=1)


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--address", "0.0.0.0"], "must not travel unencrypted: pass --certificate and --key, or --self-signed"),
        (["--address", "192.0.2.7"], "can be called from other machines"),
        (["--address", "::"], "can be called from other machines"),
        (["--address", "the-server"], "--address is an IP address of this machine"),
        (["--certificate", __file__], "go together"),
        (["--certificate", __file__, "--key", __file__, "--self-signed"], "but not both"),
        (["--certificate", __file__, "--key", __file__], "are no certificate and its key"),
        (["--state", str(project_root() / "state")], "inside this clone"),
    ],
)
def test_a_room_that_is_not_safe_is_not_opened(tmp_path, monkeypatch, options, words):
    monkeypatch.setattr(running, "prepared", lambda *_: pytest.fail("it is about to be opened"))
    before = {*tmp_path.iterdir()}
    state = [] if "--state" in options else ["--state", str(tmp_path / "state")]
    assert words in said(*state, *options, status=2)
    assert {*tmp_path.iterdir()} == before


@pytest.mark.usefixtures("allowed")
def test_a_class_password_of_ones_own_is_not_a_short_one(tmp_path):
    options = ("--state", tmp_path / "state", "--choose-class-password")
    assert "12 characters or more" in said(*options, input="room 101\nroom 101\n", status=2)


def test_only_loopback_needs_no_encryption():
    assert [is_loopback(each) for each in ("127.0.0.1", "127.9.9.9", "::1")] == [True] * 3
    assert [is_loopback(each) for each in ("0.0.0.0", "::", "192.0.2.7", "10.0.0.1")] == [False] * 4
    with pytest.raises(ValueError, match="does not appear to be"):
        is_loopback("localhost")


def test_the_folders_of_a_room_are_closed_to_learners(state):
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in [state, *state.iterdir()]}
    assert modes == {"state": 0o711, "hub": 0o700, "proxy": 0o711, "tools": 0o755, "learners": 0o711}


def test_passwords_are_made_once_and_not_kept(state):
    accounts = Accounts(State(state).accounts)
    assert running.secrets(accounts, None) == running.Secrets(None, None)
    assert running.secrets(accounts, "another class password") == running.Secrets(None, None)
    assert accounts.fits_class("another class password")
    fresh = Accounts(state / "fresh.sqlite")
    made = running.secrets(fresh, None)
    assert fresh.fits_class(made.class_password)
    assert fresh.fits("teacher", made.teacher)
    assert made.teacher != made.class_password


def test_a_room_is_open_once_at_a_time(state):
    with running.alone(State(state)):
        (State(state).hub / "hub.pid").write_text("4711")
        with pytest.raises(running.NotOpened, match="end it first, `kill 4711` ends it"), running.alone(State(state)):
            pass


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        room = Room(folder=str(tmp_path), port=taken.getsockname()[1])
        with pytest.raises(running.NotOpened, match="is taken: pass another one as --port"):
            running.prepared(room, print)


@pytest.mark.usefixtures("allowed")
def test_a_forgotten_password_is_replaced(state):
    new = said("--state", state, "password", "Ada").removeprefix("ada: ")
    accounts = Accounts(State(state).accounts)
    assert accounts.fits("ada", new)
    assert not accounts.fits("ada", "the secret of ada")


@pytest.mark.usefixtures("allowed")
def test_the_class_and_the_teacher_get_new_passwords_too(state):
    accounts = Accounts(State(state).accounts)
    assert accounts.fits_class(said("--state", state, "password", "class").removeprefix("class: "))
    assert accounts.fits("teacher", said("--state", state, "password", "teacher").removeprefix("teacher: "))
    chosen = "four words of ours"
    assert said("--state", state, "password", "class", "--choose", input=f"{chosen}\n{chosen}\n").endswith("chose")
    assert accounts.fits_class(chosen)


@pytest.mark.usefixtures("allowed")
def test_nobody_gets_a_password_who_is_not_there(state):
    assert "there is no ben in this room: ada" in said("--state", state, "password", "ben", status=2)
    assert "no room has been opened yet" in said("--state", state / "none", "password", "ada", status=2)


@pytest.mark.usefixtures("allowed")
def test_what_a_learner_has_done_is_archived_before_it_is_deleted(state, tmp_path):
    assert "Delete ada?" in said("--state", state, "delete", "ada", "--keep", tmp_path / "kept", input="n\n", status=1)
    assert (state / "learners" / "ada").is_dir()
    said("--state", state, "delete", "ada", "--keep", tmp_path / "kept", input="y\n")
    (archive,) = (tmp_path / "kept").iterdir()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as kept:
        assert kept.extractfile("ada/course/workspace/mine.py").read() == b"mine"
        assert [name for name in kept.getnames() if "cache" in name or "venv" in name] == []
    assert not (state / "learners" / "ada").exists()
    assert Accounts(State(state).accounts).names() == ["teacher"]


@pytest.mark.usefixtures("allowed")
def test_an_archive_that_cannot_be_written_keeps_everything(state, tmp_path):
    (tmp_path / "file").write_text("a file")
    assert "nothing was deleted" in said(
        "--state", state, "delete", "--yes", "--keep", tmp_path / "file" / "x", status=1
    )
    assert (state / "learners" / "ada" / "course" / "workspace" / "mine.py").read_text() == "mine"


@pytest.mark.usefixtures("allowed")
def test_a_room_is_deleted_and_what_is_not_its_own_stays(state, tmp_path):
    (state / "mine").write_text("not the room's")
    said("--state", state, "delete", "--yes", "--keep", tmp_path / "kept")
    assert [each.name for each in state.iterdir()] == ["mine"]


@pytest.mark.usefixtures("allowed")
def test_a_room_that_is_open_is_not_deleted(state, tmp_path):
    with running.alone(State(state)):
        assert "end it first" in said("--state", state, "delete", "--yes", status=1)
    assert leaving.homes(State(state)) == ["ada"]


def test_without_node_one_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(proxy.NoProxy, match="apt install nodejs npm"):
        proxy.install(State(tmp_path))


def test_an_old_node_is_not_taken(tmp_path, monkeypatch):
    (tmp_path / "node").write_text("#!/bin/sh\necho v18.20.4\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    with pytest.raises(proxy.NoProxy, match=r"node is v18.20.4, and the proxy needs 20"):
        proxy.node()


def test_the_proxy_is_pinned_with_all_that_it_needs():
    """By digests, and without the host of a registry."""
    import json

    lock = json.loads((proxy.PINS / "npm-shrinkwrap.json").read_text())
    packages = {path: each for path, each in lock["packages"].items() if path}
    assert packages[f"node_modules/{proxy.NAME}"]["version"] == proxy.pinned()
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert not any("resolved" in each for each in packages.values())


def test_what_uv_run_does_in_the_course_it_does_in_a_room(tmp_path):
    import subprocess

    state = State(tmp_path / "state").make()
    running._write_shim(state)

    def uv(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([state.tools / "uv", *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert uv("run", "echo", "a  b", "$HOME") == (0, "a  b $HOME\n")
    assert uv("run", "--no-sync", "echo", "c") == (0, "c\n")
    status, words = uv("sync")
    assert status == 2
    assert "one environment for all" in words


def test_a_proxy_that_was_left_behind_is_ended_and_nothing_else(tmp_path):
    import subprocess
    import sys

    state = State(tmp_path / "state").make()
    waits = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", waits, str(proxy._module(state))], stdin=subprocess.PIPE) as left:
        with subprocess.Popen([sys.executable, "-c", waits], stdin=subprocess.PIPE) as other:
            for process, is_ours in ((other, False), (left, True)):
                proxy.pid_file(state).write_text(str(process.pid))
                assert proxy.ended(state) is is_ours
            assert other.poll() is None
        assert left.poll() is not None
    assert not proxy.ended(state)
