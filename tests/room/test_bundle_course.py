"""What of the course goes into a bundle: what git tracks, and nothing of whoever packs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kata.audit import project_root
from kata.room.bundle import course
from kata.room.bundle.archive import Member, write
from kata.room.bundle.errors import CannotBundle

ROOT = project_root()
OTHERS = (
    ".env",
    ".kata-start-x/nodes.py",
    ".ssh/key",
    ".venv/pyvenv.cfg",
    "marks.xlsx",
    "notebooks/.ipynb_checkpoints/00.ipynb",
    "notebooks/kata/__pycache__/cli.pyc",
    "short_term_memory.db-wal",
    "starter/.env",
    "unblock-the-loop.zip",
    "uv.lock",
    "workspace/settings.py",
    "workspace/.kata/copies/1",
)
"""What a teacher's folder has besides."""


def tracked() -> list[str]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    said = subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in said.splitlines() if (ROOT / name).is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The course's files and a teacher's, without git."""
    for name in (*tracked(), *OTHERS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name in OTHERS:
            (tmp_path / name).write_text("a teacher's", encoding="utf-8")
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_course_is_what_git_tracks():
    assert course.files(ROOT) == tracked()


def test_without_git_it_is_the_same(folder):
    assert course.files(folder) == tracked()


def test_with_git_what_is_not_tracked_stays_out(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("requirements.txt", "README.md", "gone.md", "marks.xlsx"):
        (tmp_path / name).touch()
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@course.invalid"]
    subprocess.run([*git, "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run([*git, "add", "requirements.txt", "README.md", "gone.md"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "one"], cwd=tmp_path, check=True)
    assert course.changed(tmp_path) == []
    (tmp_path / "gone.md").unlink()
    (tmp_path / "README.md").write_text("changed", encoding="utf-8")
    assert course.files(tmp_path) == ["README.md", "requirements.txt"]
    assert course.changed(tmp_path) == ["README.md", "gone.md"]


def test_every_top_level_name_is_known_where_there_is_no_git():
    assert {name.partition("/")[0] for name in tracked()} == set(course.TOP)


def test_a_folder_that_is_no_clone_is_told(tmp_path):
    with pytest.raises(CannotBundle, match="no clone of the course"):
        course.files(tmp_path)


def test_an_archive_is_the_same_each_time(tmp_path):
    (tmp_path / "b.txt").write_text("b" * 4000, encoding="utf-8")
    members = [Member("z/run", b"run", executable=True), Member("a/b.txt", tmp_path / "b.txt"), Member("w.whl", b"w")]
    write(tmp_path / "one.zip", members)
    os.utime(tmp_path / "b.txt", (0, 0))
    write(tmp_path / "two.zip", reversed(members))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    (tmp_path / "b.txt").write_text("c" * 4000, encoding="utf-8")
    write(tmp_path / "two.zip", members)
    assert (tmp_path / "one.zip").read_bytes() != (tmp_path / "two.zip").read_bytes()
