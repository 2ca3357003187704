"""The disk, watched and slowed: one audit hook sees every file operation, in the thread that performs it.

`sys.addaudithook` (PEP 578) cannot be undone, so the hook is installed once and does nothing until somebody
watches or slows a folder. It sees opening, making, listing, renaming and removing; reading and writing raise no
audit event (`recorder` sees those).
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Watcher = Callable[[str, str | None], None]
"""Called in the thread that performs it, with the operation's name and the path, or None where there is none."""

_sleep = time.sleep  # the real one: `recorder` replaces the attribute while a pulse is taken
_watchers: dict[int, Watcher] = {}
_slow: dict[str, float] = {}
_installed = False
_inside = threading.local()

_PATH_ARGUMENT = {
    "open": 0,
    "os.chmod": 0,
    "os.link": 0,
    "os.listdir": 0,
    "os.mkdir": 0,
    "os.remove": 0,
    "os.rename": 0,
    "os.rmdir": 0,
    "os.scandir": 0,
    "os.symlink": 1,
    "os.truncate": 0,
    "os.utime": 0,
}
"""Audit events of file operations, and which argument holds the path (Python's table of audit events)."""


def watch(watcher: Watcher) -> int:
    """Have every file operation of this process reported; returns the key for `unwatch`."""
    _install()
    key = id(watcher)
    _watchers[key] = watcher
    return key


def unwatch(key: int) -> None:
    """Stop reporting to the watcher that `watch` returned this key for."""
    _watchers.pop(key, None)


@contextmanager
def slow_disk(folder: Path | str, *, seconds: float) -> Iterator[None]:
    """Make a folder behave like a slow network mount, for whatever code uses it.

    Every opening, making, listing, renaming or removing of something in `folder` takes `seconds` longer, in the
    thread that does it, and only in that thread. Reading and writing are not slowed.

    Raises:
        ValueError: If `seconds` is negative.
    """
    if seconds < 0:
        raise ValueError(f"seconds must not be negative, got {seconds}")
    _install()
    key = os.path.realpath(folder)
    before = _slow.get(key)
    _slow[key] = seconds
    try:
        yield
    finally:
        if before is None:
            del _slow[key]
        else:
            _slow[key] = before


class Stall:
    """A folder whose files cannot be opened for now. Its methods are for other threads than the event loop's."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._begun = threading.Event()
        self._ended = threading.Event()

    def wait_for_somebody(self) -> None:
        """Wait until somebody waits for a file.

        Raises:
            TimeoutError: If nobody does within the stall's limit.
        """
        if not self._begun.wait(self._limit):
            raise TimeoutError(f"nobody opened a file of the stalled folder within {self._limit:g} s")

    def end(self) -> None:
        """Let everybody have their files."""
        self._ended.set()

    def _hold(self) -> None:
        self._begun.set()
        self._ended.wait(self._limit)


@contextmanager
def stalled_disk(folder: Path | str, *, limit: float = 30.0) -> Iterator[Stall]:
    """Make a folder behave like a network mount whose server does not answer for a while.

    Whoever opens a file that is there waits until the stall ends, in the thread that opens it, and at most `limit`
    seconds. New files are made as usual.
    """
    stall, stalled = Stall(limit), os.path.realpath(folder)

    def hold(operation: str, path: str | None) -> None:
        if operation == "open" and path is not None and is_below(path, stalled) and os.path.isfile(path):
            stall._hold()

    key = watch(hold)
    try:
        yield stall
    finally:
        stall.end()
        unwatch(key)


def observing() -> bool:
    """Whether this thread is inside the audit hook, where file operations are the hook's own."""
    return getattr(_inside, "hook", False)


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it. Both absolute, `folder` resolved."""
    return path == folder or path.startswith(folder + os.sep)


def temporary_folder() -> str:
    """The folder in which `tempfile` puts what it makes, resolved."""
    return os.path.realpath(tempfile.gettempdir())


def _install() -> None:
    global _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not (_watchers or _slow) or event not in _PATH_ARGUMENT or observing():
        return
    _inside.hook = True
    try:
        path = _absolute(arguments[_PATH_ARGUMENT[event]])
        if path is None:
            return
        for watcher in list(_watchers.values()):
            watcher(event, path)
        delay = max((s for folder, s in list(_slow.items()) if is_below(path, folder)), default=0.0)
        if delay:
            _sleep(delay)
    finally:
        _inside.hook = False


def _absolute(path: object) -> str | None:
    if isinstance(path, int) or path is None:
        return None  # a file descriptor: its opening was seen already
    try:
        return os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
