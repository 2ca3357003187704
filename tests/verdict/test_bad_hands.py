"""Whatever is done to a workspace: a true verdict or a clear error, in bounded time, and the next check works."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
import tomllib
from pathlib import Path

import pytest

from kata.audit import audit, project_root
from kata.verdict import Status, judge

pytestmark = pytest.mark.slow

FINDING = audit().finding("2.2")
TTS = "modules/speech/text_to_speech.py"
IMPORTS = "import logging\n"
CALL = "        if not text.strip():\n"
HANDS = tomllib.loads(Path(__file__).with_name("bad_hands.toml").read_text(encoding="utf-8"))["hand"]
BOUND = 45.0
"""Seconds that a verdict may take on the busiest machine; the judge's own limit is 15 here."""


def judged(package, limit=15.0, finding=FINDING):
    begun = time.monotonic()
    verdict = judge(finding, package.folder, limit=limit)
    assert time.monotonic() - begun < BOUND
    return verdict


@pytest.mark.parametrize("hand", HANDS, ids=lambda hand: hand["name"])
def test_a_bad_hand_gets_the_verdict_it_deserves(hand, package_of):
    package = package_of(hand.get("base", "starter"))
    if "path" in hand:
        file = package.folder / hand["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(hand["text"], encoding="utf-8")
    elif hand.get("at") == "call":
        package.replace(CALL, "".join(f"        {line}\n" for line in hand["code"].splitlines()) + CALL, TTS)
    else:
        package.replace(IMPORTS, f"{IMPORTS}{hand['code']}\n", TTS)
    verdict = judged(package, hand.get("limit", 15.0))
    said = f"{verdict.message} {verdict.culprit}"
    assert (verdict.status, hand["says"] in said) == (hand["verdict"], True), said
    assert verdict.message


def test_the_hands_are_many_and_no_spoilt_starter_is_fixed():
    assert len(HANDS) >= 40
    assert {hand["verdict"] for hand in HANDS if hand.get("base", "starter") == "starter"} <= {
        "untouched",
        "present",
        "broken",
        "error",
    }


def test_after_all_that_the_next_check_works():
    assert judge(FINDING, project_root() / "solution").status is Status.FIXED


# Files that are no plain text files


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"name = '\xe9t\xe9'\n", "SyntaxError"),
        (b"x = 1\0\n", "null bytes"),
        ("x = 1\n".encode("utf-16"), "SyntaxError"),
        (b"# -*- coding: klingon -*-\n", "SyntaxError"),
        (b"x = " + b"(" * 100_000 + b"\n", ""),
    ],
    ids=["Latin-1", "a null byte", "UTF-16", "a coding that nobody knows", "brackets without end"],
)
def test_a_source_that_python_cannot_read_is_an_error(package_of, data, says):
    package = package_of("starter")
    (package.folder / TTS).write_bytes(data)
    verdict = judged(package)
    assert verdict.status is Status.ERROR
    assert says in verdict.message


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text + b"\nSPEECH = '" + b"x" * 5_000_000 + b"'\n",
        lambda text: text + b"".join(b"X%d = %d\n" % (number, number) for number in range(50_000)),
    ],
    ids=["a byte order mark", "line ends of Windows", "a line of 5 MB", "50 000 lines more"],
)
def test_an_unusual_but_right_source_is_fixed(package_of, change):
    package = package_of("solution")
    file = package.folder / TTS
    file.write_bytes(change(file.read_bytes()))
    assert judged(package).status is Status.FIXED


def is_gone(file: Path) -> None:
    file.unlink()


def is_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def is_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def is_a_link_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere.py")


def is_a_link_to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def is_a_link_to_a_device(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def is_unreadable(file: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is unreadable for root")
    file.chmod(0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="files of POSIX")
@pytest.mark.parametrize(
    "spoil",
    [
        is_gone,
        is_a_folder,
        is_a_pipe,
        is_a_link_to_nothing,
        is_a_link_to_itself,
        is_a_link_to_a_device,
        is_unreadable,
    ],
    ids=lambda spoil: spoil.__name__.replace("_", " "),
)
@pytest.mark.parametrize("path", [TTS, "core/resilience.py"])
def test_a_module_that_is_no_file_is_an_error(package_of, spoil, path):
    package = package_of("starter")
    spoil(package.folder / path)
    verdict = judged(package, limit=6)
    assert verdict.status is Status.ERROR
    assert verdict.message


def test_a_link_out_of_the_workspace_is_followed_and_what_it_leads_to_is_judged(package_of, tmp_path):
    package = package_of("solution")
    elsewhere = shutil.move(package.folder / TTS, tmp_path / "elsewhere.py")
    (package.folder / TTS).symlink_to(elsewhere)
    assert judged(package).status is Status.FIXED
    package_of_starter = (project_root() / "starter" / TTS).read_text()
    Path(elsewhere).write_text(package_of_starter)
    assert judged(package).status is not Status.FIXED


def test_a_workspace_that_cannot_be_written_is_judged(package_of):
    package = package_of("solution")
    for path in (package.folder, *package.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert judged(package).status is Status.FIXED
    finally:
        for path in (package.folder, *package.folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_an_empty_workspace_is_an_error(package_of):
    package = package_of("starter")
    shutil.rmtree(package.folder)
    package.folder.mkdir()
    assert judged(package).status is Status.ERROR


def test_a_workspace_that_is_gone_is_an_error(package_of):
    package = package_of("starter")
    shutil.rmtree(package.folder)
    assert judged(package).status is Status.ERROR


def test_a_workspace_with_a_strange_name_is_judged(package_of):
    package = package_of("solution")
    package.folder = package.folder.rename(package.folder.with_name("wörk space; 'x' [1]"))
    assert judged(package).status is Status.FIXED


# Tests that were edited: they are the course's, and a verdict stands on them


@pytest.fixture
def with_tests(tmp_path):
    """The finding, with tests of another text."""

    def make(change):
        file = project_root() / FINDING.tests
        folder = tmp_path / "tests" / "findings"
        folder.mkdir(parents=True)
        shutil.copy(file.with_name("conftest.py"), folder)
        (folder / file.name).write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
        return dataclasses.replace(FINDING, tests=str(folder / file.name))

    return make


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "", "could not be run"),
        (lambda text: f"{text}\ndef f(:\n", "cannot be imported"),
        (lambda text: f"import no_such_module\n{text}", "cannot be imported"),
        (
            lambda text: text.replace("import pytest\n", "import pytest\n\npytestmark = pytest.mark.skip\n", 1),
            "skipped",
        ),
        (lambda text: f"{text}\npytest.skip('gone', allow_module_level=True)\n", "could not be run"),
    ],
    ids=["emptied", "a syntax error", "a module that is missing", "all skipped", "the whole file skipped"],
)
def test_tests_that_cannot_be_run_are_no_success(package_of, with_tests, change, says):
    verdict = judged(package_of("solution"), finding=with_tests(change))
    assert verdict.status is Status.ERROR
    assert says in verdict.message
