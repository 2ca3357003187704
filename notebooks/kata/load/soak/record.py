"""What a soak has seen of one service, and what it claims of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kata.load.holdings import Holdings
from kata.load.soak.examination import WAVE, Examination
from kata.load.soak.ledger import Books
from kata.load.soak.troubles import THRESHOLD

MARGIN = 48 * 2**20
"""Bytes by which a service may have grown from the first calm to the last: pages that an allocator keeps, and what
longer conversations take. It is wide on purpose: a leak of whole pictures or voice notes shows in minutes, one of a
kilobyte a message in the small objects, or in a longer soak."""

SPARE = 50_000
"""Small objects by which it may have grown for once: what is imported or cached late, such as source lines for a log.
"""

BLOCKS = 1000
"""Small objects that may be left for each message besides: what is remembered of new phones, longer conversations."""


@dataclass(frozen=True)
class Calm:
    """A moment after a round, when all messages are settled, the providers have hung up, and all is well again.

    Attributes:
        messages: Messages so far.
        holdings: What the service holds.
        left: What of that was not there at the first calm, by its sort.
        unwell: Kinds of messages that were not answered as they should be, although no provider was in trouble.
    """

    messages: int
    holdings: Holdings
    left: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unwell: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Something that is claimed of a service, whether it held, and what was seen."""

    text: str
    holds: bool
    seen: str


@dataclass(frozen=True)
class Record:
    """All that was seen of one service.

    Attributes:
        service: Its name.
        seconds: How long it had trouble.
        calls: Calls that its providers got, and of these, how they ended if not well.
        books: What became of the messages.
        waits: Seconds from a delivery to its 200, by quantile; 1.0 is the longest.
        unexpected: Answers to messages that were neither 200 nor the news that a reply was not taken, while nobody
            stopped the service; and connections that broke by themselves.
        breaker: The examination of its breaker.
        calms: One after each round; the first is what the others are compared with.
        stops: Exit statuses of its processes: the one before the restart, and the one after.
        pool: The most threads that the event loop's pool may have.
        database: Bytes of its short-term memory on disk at the end: kept for good.
    """

    service: str
    seconds: float
    calls: Mapping[str, int]
    books: Books
    waits: Mapping[float, float]
    unexpected: tuple[str, ...]
    breaker: Examination
    calms: Sequence[Calm]
    stops: Sequence[int | None]
    pool: int
    database: int

    @property
    def growth(self) -> int:
        """Bytes by which it has grown from the first calm to the last."""
        return self.calms[-1].holdings.memory - self.calms[0].holdings.memory

    @property
    def messages_between(self) -> int:
        """Messages from the first calm to the last."""
        return self.calms[-1].messages - self.calms[0].messages

    @property
    def new_blocks(self) -> int:
        """Small objects by which it has grown from the first calm to the last."""
        return self.calms[-1].holdings.blocks - self.calms[0].holdings.blocks

    @property
    def is_flat(self) -> bool:
        """Whether its memory has not grown by more than the margins allow."""
        return self.growth <= MARGIN and self.new_blocks <= SPARE + BLOCKS * self.messages_between

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        stored = asdict(self)
        stored["waits"] = {f"p{100 * share:g}": seconds for share, seconds in self.waits.items()}
        stored["claims"] = [asdict(claim) for claim in claims(self)]
        return stored


def claims(record: Record) -> list[Claim]:
    """What a good service keeps to, whatever happens around it."""
    books, breaker = record.books, record.breaker
    left = {name: each for calm in record.calms for name, each in calm.left.items()}
    pool = max(calm.holdings.pool for calm in record.calms)
    unwell = sorted({kind for calm in record.calms for kind in calm.unwell})
    return [
        Claim(
            "every message arrives, and is answered",
            not (books.unsettled or books.unanswered),
            f"{len(books.unsettled)} of {books.messages} not settled, {len(books.unanswered)} without a reply",
        ),
        Claim(
            "none is answered twice without need, or with another's reply",
            not (books.unexplained or books.astray or books.strangers),
            f"{len(books.unexplained)} twice without need, {len(books.astray) + books.strangers} astray",
        ),
        Claim(
            "a message is answered with 200, or with the news that the reply was not taken",
            not record.unexpected,
            ", ".join(record.unexpected[:3]) or "nothing else",
        ),
        Claim(
            "the breaker opens, and then lets nobody through",
            breaker.opened,
            f"{breaker.while_closed} calls while closed ({THRESHOLD} are due), "
            f"{breaker.while_open} of {WAVE} while open ({breaker.allowed} may be probes)",
        ),
        Claim(
            "one call is the probe, and nobody waits for it",
            breaker.probed_once,
            f"{breaker.probing} calls for {WAVE} messages, {breaker.answered_meanwhile} answered meanwhile",
        ),
        Claim(
            "the breaker closes again",
            breaker.closed,
            f"{breaker.while_closed_again} calls for {WAVE} messages",
        ),
        Claim("after each round all is well again", not unwell, ", ".join(unwell) or f"{len(record.calms)} times"),
        Claim(
            "no task, thread, file, socket or temporary file is left over",
            not left and pool <= record.pool,
            "; ".join(f"{name}: {_counted(each)}" for name, each in left.items())
            or f"nothing ({pool} of {record.pool} threads in the pool, {record.calms[-1].holdings.orphans} orphans)",
        ),
        Claim(
            "its memory stays flat",
            record.is_flat,
            f"{record.growth / 2**20:+.1f} MB and {record.new_blocks:+,} small objects, "
            f"over {record.messages_between} messages",
        ),
        Claim(
            "it ends by itself when it is told to",
            all(status == 0 for status in record.stops),
            f"exit statuses {', '.join(map(str, record.stops))}",
        ),
    ]


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{names.count(name)} × {name}" for name in sorted(set(names))[:3])
