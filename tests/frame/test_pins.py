"""On every machine that the course is meant for, the pins are complete and fit pyproject.toml."""

from __future__ import annotations

import tomllib
from importlib import metadata

import pins
import pytest
from packaging.requirements import Requirement

from kata.audit import project_root

ROOT = project_root()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")
REQUIRES_PYTHON = PYPROJECT["project"]["requires-python"]
DECLARED = [Requirement(line) for line in PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]]


def pinned() -> list[Requirement]:
    return [Requirement(line) for line in pins.lines(REQUIREMENTS)]


def test_every_line_of_the_requirements_is_a_pin():
    assert pins.unpinned(REQUIREMENTS) == []


@pytest.mark.parametrize(
    "line", ["httpx", "httpx>=0.28", "httpx==0.28.*", "--index-url https://somewhere.example/simple", "-e .", "# x==1"]
)
def test_a_line_that_is_no_pin_is_found(line):
    assert pins.unpinned(f"groq==1.7.0\n{line}\n") == [f"{line!r} pins nothing"]


def test_every_machine_gets_each_dependency_at_a_version_that_pyproject_admits():
    assert pins.out_of_step(DECLARED, pinned()) == []


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["httpx==0.29.0", "uvloop==0.23.0"], "httpx is pinned at 0.29.0, pyproject wants <0.29,>=0.28"),
        (["httpx==0.28.1"], "uvloop is pinned 0 times on Python 3.11.0, linux"),
        (
            ["httpx==0.28.1", "uvloop==0.23.0 ; sys_platform == 'linux'"],
            "uvloop is pinned 0 times on Python 3.11.0, darwin",
        ),
        (
            ["httpx==0.28.1 ; python_full_version >= '3.12'", "uvloop==0.23.0"],
            "httpx is pinned 0 times on Python 3.11.0, win32",
        ),
        (["httpx==0.28.0", "httpx==0.28.1", "uvloop==0.23.0"], "httpx is pinned 2 times on Python 3.13.0, linux"),
    ],
)
def test_a_pin_out_of_step_is_found(lines, complaint):
    declared = [Requirement("httpx>=0.28,<0.29"), Requirement("uvloop>=0.22; sys_platform != 'win32'")]
    in_step = ["httpx==0.28.1", "uvloop==0.23.0 ; sys_platform != 'win32'"]
    assert pins.out_of_step(declared, map(Requirement, in_step)) == []
    assert complaint in pins.out_of_step(declared, map(Requirement, lines))


def test_every_pin_that_holds_here_is_installed():
    assert pins.not_installed(pinned(), metadata.version) == []


def test_an_installation_out_of_step_is_found():
    lines = ["pytest==0.1", "no-such-package==1.0", "not-for-us==1.0 ; python_version < '3'"]
    complaints = pins.not_installed(map(Requirement, lines), metadata.version)
    assert complaints == [
        f"pytest is {metadata.version('pytest')}, requirements.txt says 0.1",
        "no-such-package is missing, requirements.txt says 1.0",
    ]


def test_nothing_comes_along_without_a_pin():
    assert pins.left_free(DECLARED, pinned(), metadata.requires) == []


def test_a_package_that_comes_along_without_a_pin_is_found():
    requires = {"a": ["b", "c ; extra == 'more'"], "b": ["d ; python_version < '3'"]}
    held = [Requirement("a==1"), Requirement("b==1")]
    assert pins.left_free([Requirement("a")], held, requires.get) == []
    assert pins.left_free([Requirement("a[more]")], held, requires.get) == ["c comes along and is not pinned"]


def test_conda_gets_what_it_and_repo2docker_understand():
    assert pins.environment_yml(ENVIRONMENT, REQUIRES_PYTHON) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("python=3.12", "python>=3.12"),
        ("python=3.12", "python=3.12.1"),
        ("python=3.12", "python=3.10"),
        ("  - pip\n", ""),
        ("      - -r requirements.txt\n", ""),
        ("      - -e .\n", ""),
        ("  - nodefaults\n", ""),
        ("name: unblock-the-loop", "name: base"),
    ],
)
def test_a_conda_environment_out_of_step_is_found(old, new):
    assert ENVIRONMENT.count(old) == 1
    assert len(pins.environment_yml(ENVIRONMENT.replace(old, new), REQUIRES_PYTHON)) == 1
