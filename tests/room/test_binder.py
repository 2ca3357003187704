"""Binder: the badge for a clone's own address, and what its builder reads of the course."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kata.audit import project_root
from kata.cli import main
from kata.room import binder
from kata.room.binder import START, NoPublicAddress, provider

ROOT = project_root()


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A repository in the place of this one; a call sets its origin."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setattr(binder, "project_root", lambda: tmp_path)
    subprocess.run([git, "init", "--quiet", "--initial-branch=week/1"], cwd=tmp_path, check=True)

    def published(address):
        subprocess.run([git, "remote", "add", "origin", address], cwd=tmp_path, check=True)

    return published


@pytest.mark.parametrize(
    ("address", "spec"),
    [
        ("https://github.com/ada/loop.git", "gh/ada/loop"),
        ("https://github.com/ada/loop/", "gh/ada/loop"),
        ("git@github.com:ada/loop.git", "gh/ada/loop"),
        ("ssh://git@github.com/ada/loop", "gh/ada/loop"),
        ("https://ada:s3cret@github.com/ada/loop.git", "gh/ada/loop"),
        ("https://gitlab.com/school/async/loop.git", "gl/school%2Fasync%2Floop"),
        ("git@git.school.invalid:ada/loop.git", "git/https%3A%2F%2Fgit.school.invalid%2Fada%2Floop"),
        ("ssh://git@git.school.invalid:2222/ada/loop", "git/https%3A%2F%2Fgit.school.invalid%2Fada%2Floop"),
        ("https://git.school.invalid:8443/ada/loop", "git/https%3A%2F%2Fgit.school.invalid%3A8443%2Fada%2Floop"),
    ],
)
def test_an_address_becomes_what_binder_calls_it_and_tells_no_password(address, spec):
    assert provider(address) == spec


@pytest.mark.parametrize("address", ["/srv/git/loop.git", "../loop", r"C:\git\loop", "file:///srv/git/loop", ""])
def test_an_address_that_only_this_machine_can_reach_is_told(address):
    with pytest.raises(NoPublicAddress, match="publish the course first"):
        provider(address)


def test_the_badge_opens_the_first_notebook_of_the_branch_that_is_checked_out(clone):
    clone("git@github.com:ada/loop.git")
    run = CliRunner().invoke(main, ["binder"])
    assert run.exit_code == 0
    image, address = run.output.strip().removeprefix("[![Open the course on Binder](").removesuffix(")").split(")](")
    assert image == "https://mybinder.org/badge_logo.svg"
    assert address == f"https://mybinder.org/v2/gh/ada/loop/week%2F1?urlpath={START}"
    assert (ROOT / START.removeprefix("lab/tree/")).is_file()


def test_another_branch_and_another_hub_can_be_named(clone):
    clone("https://github.com/ada/loop")
    run = CliRunner().invoke(main, ["binder", "--ref", "v1", "--hub", "https://binder.school.invalid/"])
    assert "](https://binder.school.invalid/v2/gh/ada/loop/v1?urlpath=" in run.output


def test_a_clone_of_nothing_is_told_what_to_do(clone):
    run = CliRunner().invoke(main, ["binder"])
    assert run.exit_code == 2
    assert "git remote add origin ADDRESS" in run.output


def test_what_binder_reads_stands_at_the_top_alone():
    """A folder `binder` or `.binder` would have environment.yml, and all else at the top, read no more."""
    assert [name for name in ("binder", ".binder") if (ROOT / name).exists()] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Binder's builder runs on Linux and macOS")
def test_binders_own_builder_takes_the_environment_with_the_course_in_place(tmp_path):
    """It prints its recipe, and builds nothing: a pip part that names files has to come after they are copied."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the PATH: pip install uv")
    course = tmp_path / "course"
    course.mkdir()
    for name in ("environment.yml", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, course)
    builder = [uv, "tool", "run", "--quiet", "--from", "jupyter-repo2docker==2026.4.0", "jupyter-repo2docker"]
    command = [*builder, "--no-build", "--debug", "--user-id", "1000", "--user-name", "ada", str(course)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    if "Failed to fetch" in run.stderr or "dns error" in run.stderr:
        pytest.skip("the registry cannot be reached")
    assert run.returncode == 0, run.stderr
    recipe = run.stdout + run.stderr
    (python,) = re.findall(r"^  - (python=\S+)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"conda environment for {python}" in recipe
    copied, installed = (
        re.search(r"COPY --chown=\S+ src/ ", recipe),
        re.search(r'env update .*"environment\.yml"', recipe),
    )
    assert copied
    assert installed
    assert copied.start() < installed.start()
