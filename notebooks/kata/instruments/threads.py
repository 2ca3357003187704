"""The threads of this process's thread pools: which of them are at work, and on which line."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from types import FrameType

from kata.instruments.culprit import Culprit, Place, Scope, frames_from


def busy_pool_threads(prefix: str = "") -> int:
    """How many threads of this process's thread pools are at work on something right now.

    A function of C, such as `time.sleep`, has no frame of its own: what shows is the pool's `_WorkItem.run` that
    called it.

    Args:
        prefix: Count only threads with names that begin with this: a pool's `thread_name_prefix`.
    """
    return len(_at_work(prefix))


def waiting_in(scope: Scope, prefix: str = "") -> Culprit | None:
    """The line of the code under test at which most busy threads of the pools stand right now, or None.

    Args:
        scope: The code under test.
        prefix: As for `busy_pool_threads`.
    """
    frames = (scope.innermost(top) for top in _at_work(prefix))
    places = Counter(Place.of(frame) for frame in frames if frame is not None)
    if not places:
        return None
    return scope.culprit(min(places, key=lambda place: (-places[place], place)))


def _at_work(prefix: str) -> Sequence[FrameType]:
    tops = sys._current_frames()
    named = (tops.get(thread.ident or 0) for thread in threading.enumerate() if thread.name.startswith(prefix))
    return [top for top in named if top is not None and _is_at_work(top)]


def _is_at_work(top: FrameType) -> bool:
    return any(frame.f_code.co_qualname == "_WorkItem.run" for frame in frames_from(top))
