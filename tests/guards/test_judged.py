"""The audit says of public packages what was read and judged, neither more nor less."""

from __future__ import annotations

import re
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest
from judged import SAMPLE, found, sample, stored
from packaging.utils import canonicalize_name

from kata.audit import project_root

PACKAGES, JUDGEMENTS = stored()
INSTALLED = [package for package in PACKAGES if package.installed]


def test_what_was_judged_is_what_is_pinned():
    text = (project_root() / "requirements.txt").read_text(encoding="utf-8")
    pins = {canonicalize_name(name): pin for name, pin in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)}
    told = "judge anew what has changed: `uv run python tests/guards/judged.py FOLDER...`"
    assert {each.name: each.version for each in INSTALLED} == {each.name: pins.get(each.name) for each in INSTALLED}, (
        told
    )


@pytest.mark.slow
def test_every_finding_in_an_installed_package_was_judged():
    others = [each.name for each in INSTALLED if version(each.name) != each.version]
    if others:
        pytest.skip(f"installed in another version than the one that was judged: {', '.join(others)}")
    places, lines = found(Path(sysconfig.get_path("purelib"), each.folder) for each in INSTALLED)
    names = {each.name for each in INSTALLED}
    assert places == {each.place for each in JUDGEMENTS if each.package in names}
    assert lines == sum(each.lines for each in INSTALLED)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_finding_of_a_package_has_a_judgement_or_is_left_out_by_the_draw(package):
    read = sum(each.package == package.name for each in JUDGEMENTS)
    assert read == package.findings if package.installed else read <= package.findings


def test_of_other_packages_fifty_were_read():
    others = {each.name for each in PACKAGES if not each.installed}
    places = [each.place for each in JUDGEMENTS if each.package in others]
    assert len(set(places)) == SAMPLE
    assert sorted(sample(places)) == sorted(places)


def test_the_draw_takes_fifty_whatever_their_order():
    places = [("a.py", line, "ASYNC230") for line in range(200)]
    assert sample(places) == sample(reversed(places))
    assert len(sample(places)) == SAMPLE


def test_a_judgement_says_why():
    assert {each.verdict for each in JUDGEMENTS} <= {"true", "harmless", "false"}
    assert [each.place for each in JUDGEMENTS if len(each.because) < len("test code")] == []
