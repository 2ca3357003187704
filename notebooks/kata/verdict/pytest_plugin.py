"""The pytest side of the course: `--target`, the markers, and a fresh workspace for every notebook.

Without `--target`, a test that asks for `target` runs on starter and on solution, and a test marked `finding` must
fail on starter because the loop stood still or something scarce was used up. With it, the tests run on one package and
everything must pass.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from kata.instruments.pulse import LoopBlocked
from kata.target import WORKSPACE_VARIABLE, Target, UnknownTarget, folder_of
from kata.verdict.claims import Wasteful


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("kata", "Unblock the Loop").addoption(
        "--target",
        metavar="PACKAGE",
        help="judge one package only, and expect every test to pass: workspace, starter, solution or a folder's path",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "finding(id): the finding is mended; fails on starter, passes on solution")
    config.addinivalue_line("markers", "behaviour(id): what the code did before is still done; passes on both")
    config.addinivalue_line("markers", "remark(id, text): a refactoring that fails here is accepted, with this remark")
    try:
        config.stash[_TARGETS] = _targets(config.getoption("--target"))
    except UnknownTarget as error:
        raise pytest.UsageError(str(error)) from None


_TARGETS = pytest.StashKey[list[Target]]()
_NOTEBOOK = pytest.StashKey[Path]()
_FOLDER = pytest.StashKey[Path]()
_BEFORE = pytest.StashKey[str | None]()


def _targets(asked: str | None) -> list[Target]:
    return [Target(folder_of(name)) for name in ([asked] if asked else ["starter", "solution"])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" not in metafunc.fixturenames:
        return
    one = metafunc.config.getoption("--target") is not None
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    metafunc.parametrize(
        "target",
        [
            pytest.param(target, id=target.name, marks=[] if one else _expected(target, marks))
            for target in metafunc.config.stash[_TARGETS]
            if one or target.name != "starter" or "remark" not in marks
        ],
        scope="session",
    )


def _expected(target: Target, marks: set[str]) -> list[pytest.MarkDecorator]:
    if target.name == "starter" and "finding" in marks:
        reason = "the starter blocks the event loop, or uses up what is scarce"
        return [pytest.mark.xfail(raises=(LoopBlocked, Wasteful), strict=True, reason=reason)]
    return []


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Leave HTML out of nbval's comparison, as it leaves out pictures.

    The text beside it says the same and is compared; how a card looks may change without a notebook that has to.
    """
    if hasattr(collector, "skip_compare"):
        collector.skip_compare = (*collector.skip_compare, "text/html")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give each notebook a workspace of its own before its kernel starts, so that it never meets the learner's."""
    if item.config.stash.get(_NOTEBOOK, None) == item.path:
        return
    _drop_workspace(item.config)
    if item.path.suffix == ".ipynb":
        folder = Path(tempfile.mkdtemp(prefix="kata-"))
        item.config.stash[_NOTEBOOK], item.config.stash[_FOLDER] = item.path, folder
        item.config.stash.setdefault(_BEFORE, os.environ.get(WORKSPACE_VARIABLE))
        os.environ[WORKSPACE_VARIABLE] = str(folder / "workspace")


def pytest_unconfigure(config: pytest.Config) -> None:
    _drop_workspace(config)


def _drop_workspace(config: pytest.Config) -> None:
    folder = config.stash.get(_FOLDER, None)
    if folder is None:
        return
    del config.stash[_FOLDER], config.stash[_NOTEBOOK]
    shutil.rmtree(folder, ignore_errors=True)
    before = config.stash[_BEFORE]
    if before is None:
        os.environ.pop(WORKSPACE_VARIABLE, None)
    else:
        os.environ[WORKSPACE_VARIABLE] = before
