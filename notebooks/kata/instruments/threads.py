"""The threads of the default executor: which of them are at work."""

from __future__ import annotations

import sys
from types import FrameType

from kata.instruments.culprit import Culprit, Place, Scope, frames_from


def busy_pool_threads() -> int:
    """How many threads of this process's thread pools are at work on something right now.

    A function of C, such as `time.sleep`, has no frame of its own: what shows is the pool's `_WorkItem.run` that
    called it.
    """
    return sum(_is_at_work(top) for top in _tops())


def waiting_in(scope: Scope) -> Culprit | None:
    """The line of the code under test at which a busy thread of a pool stands right now, or None.

    Of several threads the one that is deepest in its calls: the others are still on their way there.
    """
    deepest_first = sorted(filter(_is_at_work, _tops()), key=lambda top: -len(list(frames_from(top))))
    frame = next(filter(None, map(scope.innermost, deepest_first)), None)
    return None if frame is None else scope.culprit(Place.of(frame))


def _is_at_work(top: FrameType) -> bool:
    return any(frame.f_code.co_qualname == "_WorkItem.run" for frame in frames_from(top))


def _tops() -> list[FrameType]:
    return list(sys._current_frames().values())
