"""What changes in the workspace: announced by the system where it does, and found by looking where it does not."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

from kata.workspace.files import modules

LOOK = 1.0
"""Seconds after which the files are looked at although nothing was announced: network folders, containers, and
editors that keep a file's time announce nothing."""

SETTLED = 100
"""Milliseconds without another announcement until a save counts as over; many editors write more than once."""


async def changes(folder: Path) -> AsyncIterator[list[str]]:
    """The modules that were changed, added or deleted since one last looked, whenever there are some.

    An announcement only makes it look sooner. What counts is the content, so that nothing is missed that was not
    announced, and a file saved without a change is none.

    Args:
        folder: The package's folder.
    """
    before = await asyncio.to_thread(_content, folder)
    async for _ in _moments(folder):
        now = await asyncio.to_thread(_content, folder)
        changed = sorted(path for path in {*before, *now} if before.get(path) != now.get(path))
        before = now
        if changed:
            yield changed


async def _moments(folder: Path) -> AsyncIterator[None]:
    """When to look."""
    try:
        async for _ in awatch(
            folder,
            watch_filter=lambda _, path: _is_of_the_package(path.removeprefix(str(folder))),
            debounce=SETTLED * 5,
            step=SETTLED,
            rust_timeout=int(LOOK * 1000),
            yield_on_timeout=True,
            recursive=True,
        ):
            yield
    except (OSError, RuntimeError):  # no more watches to be had, or a folder that cannot be watched
        while True:
            yield
            await asyncio.sleep(LOOK)


def _is_of_the_package(path: str) -> bool:
    return not any(part.startswith(".") or part == "__pycache__" for part in Path(path).parts)


def _content(folder: Path) -> dict[str, str]:
    return {path: _hash(folder / path) for path in modules(folder)}


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return str(error.strerror)
