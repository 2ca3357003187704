"""A learner's copy of the course: made whole or not at all, never over anything, renewed without a loss."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from kata.audit import project_root
from kata.room import VISIBLE
from kata.room.hub import course as courses
from kata.room.hub import enter


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The course as all get it, made from this clone."""
    course = tmp_path_factory.mktemp("state") / "course"
    assert courses.made(course)
    return course


@pytest.fixture
def course(tmp_path):
    """A course of three files."""
    return small(tmp_path / "course", {"README.md": "read me", "notebooks/1.ipynb": "one", "starter/a.py": "a = 1"})


def small(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / enter.GIVEN).write_text(json.dumps({path: enter._digest(folder / path) for path in files}))
    return folder


@pytest.fixture
def copy(course, tmp_path):
    copy = tmp_path / "home" / "course"
    copy.parent.mkdir()
    enter.give(course, copy, sys.prefix)
    return copy


def test_a_copy_has_all_that_the_course_needs_and_nothing_hidden(whole):
    top = {each.name for each in whole.iterdir()}
    assert top == {*VISIBLE, enter.GIVEN}
    assert [each for each in whole.rglob(".*") if each.name != enter.GIVEN] == []
    for name in ("notebooks/00_start_here.ipynb", "notebooks/kata/audit.toml", "tests/conftest.py"):
        assert (whole / name).read_bytes() == (project_root() / name).read_bytes()


def test_what_is_hidden_or_not_the_courses_gets_into_no_copy(tmp_path, monkeypatch):
    clone = small(tmp_path / "clone", {"README.md": "read me", ".env": "KEY=1", "notes.md": "mine"})
    small(
        clone / "notebooks", {"1.ipynb": "one", ".env": "KEY=1", ".ipynb_checkpoints/1.ipynb": "old", "kata/a.py": ""}
    )
    monkeypatch.setattr(courses, "project_root", lambda: clone)
    courses.made(tmp_path / "course")
    files = {each.relative_to(tmp_path / "course").as_posix() for each in (tmp_path / "course").rglob("*.*[!c]")}
    assert files == {"README.md", "notebooks/1.ipynb", "notebooks/kata/a.py", enter.GIVEN}


def test_a_course_that_has_not_changed_is_not_made_again(whole):
    assert not courses.made(whole)


def test_a_course_that_has_changed_is_made_again(whole):
    given = json.loads((whole / enter.GIVEN).read_text())
    (whole / enter.GIVEN).write_text(json.dumps(given | {"README.md": "0"}))
    (whole / "README.md").write_text("old")
    assert courses.made(whole)
    assert (whole / "README.md").read_bytes() == (project_root() / "README.md").read_bytes()


def test_the_modules_of_a_copy_come_compiled(whole, tmp_path):
    enter.give(whole, tmp_path / "course", sys.prefix)
    code = "import kata.audit, sys; print(kata.audit.__spec__.cached, kata.audit.project_root())"
    made = {each: each.stat().st_mtime_ns for each in (tmp_path / "course/notebooks/kata").rglob("*.pyc")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "course" / "notebooks")},
        capture_output=True,
        text=True,
        check=True,
    )
    cached, root = run.stdout.split()
    assert root == str(tmp_path / "course")
    assert any(str(each) == cached for each in made)
    assert {each: each.stat().st_mtime_ns for each in (tmp_path / "course/notebooks/kata").rglob("*.pyc")} == made


def test_a_copy_is_its_owners_only_and_knows_the_environment(copy):
    assert all(each.lstat().st_mode & 0o077 == 0 for each in copy.rglob("*") if not each.is_symlink())
    assert (copy / ".venv").readlink().as_posix() == sys.prefix


def test_a_copy_that_is_there_is_left_alone(course, copy):
    (copy / "starter/a.py").write_text("a = 2  # mine")
    (copy / "README.md").unlink()
    enter.give(course, copy, sys.prefix)
    assert (copy / "starter/a.py").read_text() == "a = 2  # mine"
    assert not (copy / "README.md").exists()


@pytest.mark.parametrize("kind", ["file", "dangling link", "empty folder"])
def test_whatever_is_in_the_copys_place_is_left_alone(course, tmp_path, kind):
    place = tmp_path / "course-of-ada"
    {
        "file": lambda: place.write_text("mine"),
        "dangling link": lambda: place.symlink_to(tmp_path / "nowhere"),
        "empty folder": place.mkdir,
    }[kind]()
    before = place.lstat()
    enter.give(course, place, sys.prefix)
    assert place.lstat() == before


def test_an_interrupted_copy_leaves_nothing_half(course, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(enter.os, "symlink", interrupted)  # all files are there by then
    with pytest.raises(KeyboardInterrupt):
        enter.give(course, home / "course", sys.prefix)
    assert list(home.iterdir()) == []
    monkeypatch.undo()
    enter.give(course, home / "course", sys.prefix)
    assert (home / "course/README.md").read_text() == "read me"


def test_an_update_brings_what_is_new_and_what_nobody_has_touched(course, copy):
    small(course, {"README.md": "read me again", "notebooks/1.ipynb": "one", "starter/b.py": "b = 1"})
    assert enter.renew(course, copy) == {"added": ["starter/b.py"], "replaced": ["README.md"], "kept": []}
    assert (copy / "README.md").read_text() == "read me again"
    assert (copy / "starter/b.py").read_text() == "b = 1"


def test_an_update_leaves_what_a_learner_has_changed_and_says_so(course, copy):
    (copy / "starter/a.py").write_text("a = 2  # mine")
    (copy / "mine.py").write_text("mine")
    small(course, {"README.md": "read me", "notebooks/1.ipynb": "one", "starter/a.py": "a = 3"})
    for _ in range(2):
        assert enter.renew(course, copy) == {"added": [], "replaced": [], "kept": ["starter/a.py"]}
    assert (copy / "starter/a.py").read_text() == "a = 2  # mine"
    assert (copy / "mine.py").read_text() == "mine"


def test_who_wants_the_courses_version_renames_ones_own(course, copy):
    (copy / "starter/a.py").write_text("a = 2  # mine")
    small(course, {"README.md": "read me", "notebooks/1.ipynb": "one", "starter/a.py": "a = 3"})
    enter.renew(course, copy)
    (copy / "starter/a.py").rename(copy / "starter/a_mine.py")
    assert enter.renew(course, copy)["added"] == ["starter/a.py"]
    assert (copy / "starter/a_mine.py").read_text() == "a = 2  # mine"


def test_after_an_update_there_is_nothing_to_update(course, copy):
    small(course, {"README.md": "read me again"})
    enter.renew(course, copy)
    assert enter.renew(course, copy) == {"added": [], "replaced": [], "kept": []}
    assert [each.name for each in copy.iterdir() if "half" in each.name] == []


def test_without_a_copy_an_update_does_nothing(course, tmp_path):
    assert enter.renew(course, tmp_path / "none") == {"added": [], "replaced": [], "kept": []}
