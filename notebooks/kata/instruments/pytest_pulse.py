"""A pytest plugin for any project: `pytest --pulse=PACKAGE` takes the pulse of the event loop in every async test.

A test during which the loop stands still in the package's code fails, and says at which line. Code that a test runs on
a loop of its own, with `asyncio.run` or in a test client's thread, is not watched.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
from collections.abc import Awaitable, Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

_SEEN = pytest.StashKey[set[tuple[str, int]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pulse", "the pulse of the event loop")
    group.addoption(
        "--pulse",
        metavar="PACKAGE",
        help="fail every async test during which the event loop stands still in the code of this folder",
    )
    group.addoption(
        "--pulse-report",
        metavar="FOLDER",
        help="with --pulse: write where it stood still into this folder, and fail nothing",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SEEN] = set()
    package, folder = config.getoption("--pulse"), config.getoption("--pulse-report")
    if package is not None and not Path(package).is_dir():
        raise pytest.UsageError(f"--pulse: there is no folder {package}")
    if folder is not None and package is None:
        raise pytest.UsageError("--pulse-report needs --pulse, to know whose code is watched")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    package, test = item.config.getoption("--pulse"), getattr(item, "obj", None)
    if package is None or not inspect.iscoroutinefunction(test):
        return (yield)
    item.obj = _watched(test, Path(package).resolve(), item.config)
    try:
        return (yield)
    finally:
        item.obj = test


def pytest_sessionfinish(session: pytest.Session) -> None:
    folder = session.config.getoption("--pulse-report")
    if folder is not None:
        seen = [{"path": path, "line": line} for path, line in sorted(session.config.stash[_SEEN])]
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(seen), encoding="utf-8")


def _watched(test: Callable[..., Awaitable[Any]], package: Path, config: pytest.Config) -> Callable[..., Any]:
    from kata.instruments.pulse import Pulse  # only where it is asked for: pytest loads this plugin everywhere

    @functools.wraps(test)
    async def watched(*args: Any, **kwargs: Any) -> Any:
        if not _is_on_asyncio():
            return await test(*args, **kwargs)
        pulse = Pulse(package)
        try:
            async with pulse:
                result = await test(*args, **kwargs)
        finally:
            config.stash[_SEEN].update(_places(pulse.flatlines, package))
        if config.getoption("--pulse-report") is None:
            pulse.check(doing=f"in {test.__name__}")
        return result

    return watched


def _is_on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # on trio
        return False
    return True


def _places(flatlines: Iterable[Any], package: Path) -> set[tuple[str, int]]:
    """Files and lines."""
    culprits = [flatline.culprit for flatline in flatlines if flatline.culprit is not None]
    return {(str(package.parent / culprit.file), culprit.line) for culprit in culprits}
