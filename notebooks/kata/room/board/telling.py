"""The board is told of verdicts that it does not know yet: beside the learner's work, and never in its way.

What waits to be told is what the workspace keeps anyway, the last verdict on each finding, less what the board has
confirmed. So it is never more than one word for each finding, survives any restart, and goes with the next verdict
where the board could not be reached.
"""

from __future__ import annotations

import atexit
import json
import logging
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from kata.room.board import call
from kata.room.board.membership import Membership, keep, last_count, membership, new_count
from kata.verdict import warm
from kata.workspace.files import HIDDEN, write
from kata.workspace.progress import last_verdicts

logger = logging.getLogger(__name__)

AT_THE_END = 1.0
"""Seconds that a process which has told its verdict waits for the board, at most, before it ends."""

_AT_ONCE = 25
"""Verdicts in one message, which so stays below its limit."""

_TOLD = f"{HIDDEN}/board-told.json"

Verdicts = dict[str, list[object]]
"""By finding, the status, and when it was judged, in milliseconds since 1970."""


@dataclass(frozen=True)
class _Told:
    """What the board has confirmed, and with which count."""

    learner: str
    count: int
    verdicts: Verdicts


def soon(folder: Path) -> None:
    """Have the board told of what it does not know, in a thread that nobody has to wait for.

    Args:
        folder: The workspace's folder.
    """
    _teller.tell_soon(folder)


def tell(folder: Path) -> int:
    """Tell the board of what it does not know, and say how many verdicts that were.

    Raises:
        Unreachable: If the board cannot be reached.
        Refusal: If it says no; that it does not know the learner any more is written down first.
    """
    told, sent = _told(folder), 0
    while (place := membership(folder)) and place.state == "on":
        count = new_count(told.count if told.learner == place.learner else 0)  # before looking: what is older, loses
        known = told.verdicts if told.learner == place.learner else {}
        news = _news(folder, known)
        if not news:
            break
        try:
            _report(place, count, news)
        except call.Refusal as refusal:
            if (last := last_count(refusal)) is not None:
                told = _Told(place.learner, last, known)
                continue
            if refusal.is_gone:
                keep(folder, replace(place, state="gone"))
            raise
        told = _Told(place.learner, count, {**known, **news})
        _confirm(folder, told)
        sent += len(news)
    return sent


def waiting(folder: Path) -> int:
    """How many verdicts the board does not know yet."""
    place, told = membership(folder), _told(folder)
    if place is None or place.state != "on":
        return 0
    return len(_news(folder, told.verdicts if told.learner == place.learner else {}, most=None))


def _news(folder: Path, known: Verdicts, most: int | None = _AT_ONCE) -> Verdicts:
    news: Verdicts = {id: [str(status), at] for id, (status, at) in last_verdicts(folder).items()}
    return dict([(id, verdict) for id, verdict in news.items() if known.get(id) != verdict][:most])


def _report(place: Membership, count: int, news: Verdicts) -> None:
    about = {"board": place.board, "learner": place.learner, "kind": "report"}
    call.ask(
        place.url, "/report", {**about, "count": count, "now": int(time.time() * 1000), "verdicts": news}, place.secret
    )


def _told(folder: Path) -> _Told:
    try:
        told = json.loads((folder / _TOLD).read_text(encoding="utf-8"))
        return _Told(str(told["learner"]), int(told["count"]), dict(told["verdicts"]))
    except (OSError, ValueError, LookupError, TypeError):
        return _Told("", 0, {})  # at worst, the board hears something twice


def _confirm(folder: Path, told: _Told) -> None:
    content = {"learner": told.learner, "count": told.count, "verdicts": told.verdicts}
    write(folder, _TOLD, json.dumps(content, indent=1).encode())


class _Teller:
    """One thread for the whole process, which is there while there is something to tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: set[Path] = set()
        self._thread: threading.Thread | None = None
        self._is_known_at_exit = False

    def tell_soon(self, folder: Path) -> None:
        with self._lock:
            self._wanted.add(folder)
            if self._thread is not None:
                return
            if not self._is_known_at_exit:
                atexit.register(self._end)
                self._is_known_at_exit = True
            thread = threading.Thread(target=self._work, name="the teacher's board", daemon=True)
            thread.start()
            self._thread = thread

    def _end(self) -> None:
        warm.end()  # or waiting would have a server started that nobody needs any more
        self.finish()

    def finish(self) -> None:
        """Wait for what is being told, but not for long."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(AT_THE_END)

    def _work(self) -> None:
        while folder := self._next():
            try:
                tell(folder)
            except (call.Unreachable, call.Refusal, OSError) as error:
                logger.info("the board was not told: %s", error)
            except Exception:  # a verdict is not to suffer from anything
                logger.info("the board was not told", exc_info=True)

    def _next(self) -> Path | None:
        with self._lock:
            if self._wanted:
                return self._wanted.pop()
            self._thread = None
            return None


_teller = _Teller()
