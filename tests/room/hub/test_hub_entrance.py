"""From root to a learner: what they see of the machine, who they are, and what they can no longer become."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from dataclasses import replace

import pytest

from kata.room.hub import enter, entrance
from kata.room.hub.settings import Room, State

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

NOBODY = 65534


@pytest.fixture
def room(tmp_path):
    room = Room(folder=str(State(tmp_path / "state").make().folder))
    (room.state.course).mkdir()
    (room.state.course / "README.md").write_text("read me")
    (room.state.course / enter.GIVEN).write_text("{}")
    return room


@pytest.fixture
def home(room):
    home = room.home("ada")
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    return home


def run(plan, code):
    """What a program says that is run as a learner."""
    command = [*entrance._entering(plan), sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def plan(room, home):
    """The plan for nobody, who has a view of their own."""
    view = entrance.view_of(room, str(home))
    try:
        viewed = entrance.looked_ahead(room)
    except entrance.CannotEnter as error:
        pytest.skip(str(error))
    if not viewed:
        pytest.skip("this machine lets nobody have a view of their own")
    return entrance._plan(NOBODY, NOBODY, str(home), view) | {"course": str(room.state.course)}


def test_a_learner_is_somebody_else_for_good(plan):
    code = "import os; print(os.getresuid(), os.getresgid(), os.getgroups()); os.setuid(0)"
    done = run(plan, code)
    assert done.stdout.strip() == f"({NOBODY}, {NOBODY}, {NOBODY}) ({NOBODY}, {NOBODY}, {NOBODY}) [{NOBODY}]"
    assert done.stderr.strip().endswith("PermissionError: [Errno 1] Operation not permitted")


def test_no_program_gives_a_learner_more_than_they_have(plan):
    assert "NoNewPrivs:\t1" in run(plan, "print(open('/proc/self/status').read())").stdout


def test_a_learner_sees_their_own_home_and_no_other(plan, room):
    other = room.home("ben")
    other.mkdir(mode=0o755)
    (other / "work.py").write_text("for ben only")
    done = run(
        plan, f"import os; print(os.listdir({room.folder + '/learners'!r}), sorted(os.listdir({room.folder!r})))"
    )
    assert done.stdout.strip() == "['ada'] ['course', 'learners', 'tools']"
    assert room.folder in entrance.view_of(room, str(room.home("ada")))["hidden"]  # also elsewhere than in /tmp


def test_a_learner_sees_nothing_of_the_clone_but_its_environment(plan):
    from kata.audit import project_root

    secret = project_root() / ".env"
    done = run(plan, f"import os; print(os.path.exists({str(secret.parent / 'pyproject.toml')!r}))")
    assert done.stdout.strip() == "False"


def test_the_environment_works_and_cannot_be_written(plan):
    code = "import tornado, sys, os; print(os.access(sys.prefix, os.W_OK)); open(sys.prefix + '/x', 'w')"
    done = run(plan, code)
    assert done.stdout.strip() == "False"
    assert "Read-only file system" in done.stderr or "Permission denied" in done.stderr


def test_a_learners_temporary_files_are_theirs(plan, tmp_path):
    (tmp_path / "everybodys").touch()
    mine = f"/tmp/{tmp_path.parent.name}-{tmp_path.name}-mine"
    done = run(plan, f"import os; open({mine!r}, 'w'); print(os.path.exists({mine!r}))")
    assert done.stdout.strip() == "True"
    assert not os.path.exists(mine)


def test_a_learner_starts_in_their_copy_of_the_course(plan, home):
    done = run(plan, "import os; print(os.getcwd(), open('README.md').read())")
    assert done.stdout.strip() == f"{home}/course read me"
    assert (home / "course").stat().st_uid == NOBODY


def test_nothing_of_a_learners_is_imported_while_they_are_root(plan, home):
    """A module that Python imports by itself at its start, on the path that their own processes have."""
    run(plan, "")
    (home / "course" / "sitecustomize.py").write_text("import os, sys; print(os.getuid(), file=sys.stderr)")
    command = [*entrance._entering(plan), sys.executable, "-c", ""]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(home / "course")}, capture_output=True, text=True, check=False
    )
    assert done.stderr.split() == [str(NOBODY)]


def test_a_log_that_a_learner_has_made_a_link_is_not_followed(plan, home, tmp_path):
    target = tmp_path / "target"
    target.write_text("keep this")
    (home / ".server.log").symlink_to(target)
    done = run(plan | {"log": ".server.log", "view": None}, "print('overwritten')")
    assert done.returncode != 0
    assert target.read_text() == "keep this"


def test_a_copy_cannot_be_made_where_a_learner_is_not_allowed(plan, home, tmp_path):
    """The home is a link that leads out: whoever follows it is the learner, and not root."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home.rmdir()
    home.symlink_to(elsewhere)
    assert run(plan | {"view": None}, "").returncode != 0
    assert list(elsewhere.iterdir()) == []


def test_limits_are_set_before_anything_of_a_learners_runs(plan):
    done = run(
        plan | {"rlimits": {"RLIMIT_CORE": 4096}}, "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert done.stdout.strip() == "(4096, 4096)"


def test_the_way_is_tried_before_anybody_takes_it(room, monkeypatch):
    monkeypatch.setattr(entrance.sys, "executable", "/nowhere/python")
    with pytest.raises((entrance.CannotEnter, FileNotFoundError)):
        entrance.looked_ahead(room)


def test_the_folders_of_the_environment_are_all_on_the_list():
    kept = {*entrance._environment()}
    assert {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)} <= kept
    assert os.path.dirname(os.path.dirname(os.path.realpath(sys.executable))) in kept


def test_a_plan_is_plain_data(room):
    user = pwd.getpwnam("nobody")
    command = entrance.command(room, user, entrance.Place(), ["true"])
    assert command[1] == "-I"
    assert json.loads(command[3])["uid"] == NOBODY
    assert json.loads(command[3])["view"]["home"] == user.pw_dir
    without = entrance.command(replace(room, view=False), user, entrance.Place(("before",)), ["true"])
    assert without[0] == "before"
    assert json.loads(without[4])["view"] is None
