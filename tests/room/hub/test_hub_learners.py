"""The learners' system users, on this system."""

from __future__ import annotations

import os
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kata.room.hub import learners
from kata.room.hub.names import BadName
from kata.room.hub.settings import Room

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")


@pytest.fixture
def room(tmp_path):
    room = Room(folder=str(tmp_path / "state"), prefix=f"kt{secrets.token_hex(2)}-")
    room.state.make()
    yield room
    for name in ("ada", "ben"):
        learners.remove(room, name)


def test_a_learner_gets_a_user_and_a_home_and_no_other_way_in(room):
    user = learners.user(room, "ada")
    assert user.pw_name == f"{room.prefix}ada"
    assert user.pw_shell == "/usr/sbin/nologin"
    home = room.home("ada").stat()
    assert (home.st_uid, home.st_mode & 0o777) == (user.pw_uid, 0o700)
    (kept,) = (line for line in Path("/etc/shadow").read_text().splitlines() if line.startswith(f"{user.pw_name}:"))
    _, password, *_, expires, _ = kept.split(":")
    assert (password[0], expires) == ("!", "1")
    assert learners.user(room, "ada") == user


def test_several_who_come_at_once_all_get_one(room):
    with ThreadPoolExecutor(4) as pool:
        users = [*pool.map(lambda _: learners.user(room, "ada"), range(4))]
    assert len({user.pw_uid for user in users}) == 1


def test_a_name_that_is_none_makes_no_user(room):
    with pytest.raises(BadName):
        learners.user(room, "ada -o -u 0")


def test_a_user_that_is_another_rooms_is_not_taken(room, tmp_path):
    learners.user(room, "ada")
    other = Room(folder=str(tmp_path / "other"), prefix=room.prefix)
    other.state.make()
    with pytest.raises(learners.NoUser, match="end that room first"):
        learners.user(other, "ada")
    learners.remove(other, "ada")
    assert learners._found(f"{room.prefix}ada")


def test_a_home_that_came_from_another_machine_keeps_its_owner(room):
    uid = learners.user(room, "ada").pw_uid
    learners.remove(room, "ada")
    learners.user(room, "ben")  # may get the number that is free now
    learners.remove(room, "ben")
    (room.home("ada") / "mine").touch()
    os.chown(room.home("ada") / "mine", uid, uid)
    assert learners.user(room, "ada").pw_uid == uid


def test_a_home_whose_number_is_somebody_elses_is_given_to_its_learner(room, tmp_path):
    home = room.home("ada")
    (home / "course").mkdir(parents=True)
    (home / "course" / "mine").touch()
    outside = tmp_path / "outside"
    outside.touch()
    (home / "link").symlink_to(outside)
    for path in (home, home / "course", home / "course" / "mine"):
        os.chown(path, 65534, 65534)
    uid = learners.user(room, "ada").pw_uid
    assert uid != 65534
    owners = {path.lstat().st_uid for path in (home, home / "course", home / "course" / "mine", home / "link")}
    assert owners == {uid}
    assert outside.stat().st_uid == 0


def test_all_that_a_learner_runs_is_ended_also_what_has_detached_itself(room):
    user = learners.user(room, "ada")
    other = subprocess.Popen(["sleep", "600"])
    detaches = ["sh", "-c", "(setsid sleep 600 &)"]
    subprocess.run(detaches, user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/", check=True)
    assert len([*learners.processes(user.pw_uid)]) == 1
    learners.end_processes(user.pw_uid)
    assert [*learners.processes(user.pw_uid)] == []
    assert other.poll() is None
    other.kill()
    other.wait()


def test_without_useradd_one_is_told_what_to_install(room, monkeypatch):
    monkeypatch.setattr(learners, "_SBIN", "/nowhere")
    with pytest.raises(learners.NoUser, match="install the system's package `passwd`"):
        learners.user(room, "ada")


def test_processes_of_others_are_not_a_learners():
    assert os.getpid() in {*learners.processes(os.getuid())}
    assert os.getpid() not in {*learners.processes(65533)}
