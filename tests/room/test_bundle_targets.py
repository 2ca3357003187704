"""What a bundle is for: each target gets the pins that hold there, and nobody's else."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from kata.audit import project_root
from kata.room.bundle.targets import PLATFORMS, PYTHONS, Target, targets
from kata.room.commands import bundle

REQUIREMENTS = project_root() / "requirements.txt"


def pins(platform: str, python: str) -> set[str]:
    return {Requirement(pin).name for pin in Target(PLATFORMS[platform], python).pins(REQUIREMENTS)}


def test_the_command_offers_the_platforms_and_pythons_that_there_are():
    choices = {option.name: option.type.choices for option in bundle.params if hasattr(option.type, "choices")}
    assert choices == {"platforms": tuple(PLATFORMS), "pythons": PYTHONS}


def test_all_are_meant_where_none_is_named():
    assert len(targets((), ())) == len(PLATFORMS) * len(PYTHONS)
    assert list(map(str, targets(["windows", "linux"], ["3.12"]))) == ["linux, Python 3.12", "windows, Python 3.12"]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_markers_are_those_of_the_target_and_not_of_this_machine(platform, python):
    there = pins(platform, python)
    assert ("pywin32" in there) == (platform == "windows")
    assert ("uvloop" in there) == (platform != "windows")
    assert ("appnope" in there) == platform.startswith("macos")
    assert ("libcst" in there) == (platform != "macos-intel")
    assert ("overrides" in there) == (python == "3.11")
    assert "httpx2-jsfetch" not in there


def test_a_python_gets_the_pins_of_all_its_releases():
    lines = Target(PLATFORMS["linux"], "3.11").pins(REQUIREMENTS)
    assert [line.partition(" ;")[0] for line in lines if line.startswith("soupsieve")] == [
        "soupsieve==2.10",
        "soupsieve==4.1.2",
    ]
    assert [line.partition("=")[0] for line in Target(PLATFORMS["linux"], "3.12").pins(REQUIREMENTS)].count(
        "soupsieve"
    ) == 1


def test_every_pin_is_for_some_target():
    everywhere = {pin for target in targets((), ()) for pin in target.pins(REQUIREMENTS)}
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line not in everywhere] == [
        line for line in lines if "sys_platform == 'emscripten'" in line
    ]
