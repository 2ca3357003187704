"""The threads of the default executor: which of them are at work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType


def busy_pool_threads() -> int:
    """How many threads of this process's thread pools are at work on something right now.

    A function of C, such as `time.sleep`, has no frame of its own: what shows is the pool's `_WorkItem.run` that
    called it.
    """
    return sum(any(f.f_code.co_qualname == "_WorkItem.run" for f in _stack(top)) for top in _tops())


def _tops() -> list[FrameType]:
    return list(sys._current_frames().values())


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
