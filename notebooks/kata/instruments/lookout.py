"""A lookout for a running service: each line of a package that blocks the event loop is told, once.

It sees what the pulse sees without a clock: file operations by an audit hook, and blocking functions of the standard
library by blockbuster, which here raises nothing. It does not see a loop that computes, nor one that waits for a lock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from kata.instruments import disk, recorder
from kata.instruments.culprit import Culprit, Place, Scope, stack_of

_log = logging.getLogger(__name__)

Teller = Callable[[str, Culprit], None]
"""Called in the loop's thread with what was called, such as ``time.sleep``, and the line that called it."""


def warn(operation: str, culprit: Culprit) -> None:
    """Tell the log."""
    _log.warning("%s on the event loop at %s", operation, culprit)


@contextmanager
def lookout(package: ModuleType | Path | str, *, tell: Teller = warn) -> Iterator[None]:
    """Keep a lookout while a service runs, for the event loop of the thread that enters: in its lifespan, say.

    Args:
        package: The service's code: an imported package, or the path of its folder.
        tell: Who is told, once for every line and function. What it raises, the service's code would have to bear.

    Raises:
        ValueError: If `package` is a module without a folder.
    """
    scope, thread, told = Scope(package), threading.get_ident(), set[tuple[str, Place]]()

    def saw(operation: str, directly: bool) -> None:
        if threading.get_ident() != thread:
            return
        frame = scope.answerable(stack_of(thread), directly=directly)
        if frame is None or (operation, Place.of(frame)) in told:
            return
        told.add((operation, Place.of(frame)))
        tell(operation, scope.culprit(Place.of(frame)))

    def saw_file_operation(operation: str, path: str | None) -> None:
        saw(operation, directly=True)

    def saw_blocking_call(operation: str, path: str | None) -> None:
        if not disk.observing():
            saw(operation, directly=operation.startswith(("io.", "os.")))

    watch, witness = disk.watch(saw_file_operation), recorder.testify(saw_blocking_call)
    try:
        yield
    finally:
        recorder.dismiss(witness)
        disk.unwatch(watch)
