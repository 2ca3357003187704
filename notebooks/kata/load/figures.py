"""The figures of one round, as they go to the table, the charts and the file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kata.load.callers import Drive, number_of
from kata.load.gauge import Taken
from kata.load.mix import Message
from kata.load.world import Seen

P50, P95, P99 = QUANTILES = (0.5, 0.95, 0.99)
"""The shares of messages that a latency is given for: half of them waited no longer than p50."""

_FULL = 0.8
"""Share of a processor above which it is the processor that sets the limit: one event loop has no more than one."""

_LATE = 0.25
"""Seconds by which callers are late at most on a machine that has time for them."""


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that this share of them does not exceed (nearest rank). NaN of nothing."""
    ranked = sorted(values)
    return ranked[max(1, math.ceil(share * len(ranked))) - 1] if ranked else math.nan


@dataclass(frozen=True)
class Figures:
    """One service under one load. Times are in seconds.

    Attributes:
        service: The name of what was measured.
        callers: How many sent messages.
        sent: Messages that were due, each of which was sent.
        answered: Those of them that were answered with 200 before nobody waited any longer.
        replies: Those of them whose caller got a reply of the type that was due.
        per_second: Messages answered in a second.
        latency: From when a message was due to its answer, by quantile; a message without an answer counts with the
            time that was waited for it.
        limit: What the providers' latency alone would have made of the same messages, by quantile.
        canary: How long each health check waited, from when it was due; one was due every `CANARY_INTERVAL`.
        late: How late the callers themselves were at most.
        connections: TCP connections that the service opened to its providers.
        calls: Calls that the providers got, by what was asked for.
        owed: Calls that these messages make, if nothing fails.
        peak_in_flight: The most calls in flight at once.
        taken: What the service took of the machine.
        workers: How many processes served.
    """

    service: str
    callers: int
    sent: int
    answered: int
    replies: int
    per_second: float
    latency: Mapping[float, float]
    limit: Mapping[float, float]
    canary: Sequence[float]
    late: float
    connections: int
    calls: Mapping[str, int]
    owed: Mapping[str, int]
    peak_in_flight: int
    taken: Taken
    workers: int = 1

    @property
    def times_the_limit(self) -> float:
        """The latency in multiples of the limit: p95 of the one by p95 of the other."""
        return self.latency[P95] / self.limit[P95]

    @property
    def worst_canary(self) -> float:
        """The longest that a health check waited."""
        return max(self.canary)

    @property
    def cpu_per_message(self) -> float:
        """Processor seconds of the service for each message that was sent."""
        return self.taken.cpu / self.sent

    @property
    def share_of_processor(self) -> float:
        """The share of a processor that each of the service's processes was busy, on average."""
        return self.taken.cpu / self.taken.seconds / self.workers

    @property
    def is_processor_full(self) -> bool:
        """Whether the processor was the limit, and not the providers."""
        return self.share_of_processor >= _FULL

    @property
    def is_disturbed(self) -> bool:
        """Whether the callers themselves were late, because something else ran: then nothing else is to be trusted."""
        return self.late >= _LATE

    @classmethod
    def of(
        cls,
        service: str,
        callers: int,
        messages: Sequence[Message],
        driven: Drive,
        seen: Seen,
        replies: Iterable[tuple[str, str]],
        taken: Taken,
        *,
        round: int,
        workers: int,
    ) -> Figures:
        """The figures of what was sent, what became of it, and what the outside world saw.

        Args:
            replies: The receiver and the type of each reply.
        """
        waits = [sent.waited(driven.ended) for sent in driven.messages]
        limits = [message.limit for message in messages]
        answered = [sent for sent in driven.messages if sent.is_good]
        due = Counter((number_of(message, round), message.wants) for message in messages)
        return cls(
            service=service,
            callers=callers,
            sent=len(messages),
            answered=len(answered),
            replies=(due & Counter(replies)).total(),
            per_second=len(answered) / driven.ended,
            latency=_quantiles(waits),
            limit=_quantiles(limits),
            canary=tuple(check.waited(driven.ended) for check in driven.canary),
            late=driven.late,
            connections=seen.connections,
            calls=seen.calls,
            owed={what: sum(message.calls[what] for message in messages) for what in seen.calls},
            peak_in_flight=seen.peak_in_flight,
            taken=taken,
            workers=workers,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON: quantiles by names such as ``p95``."""
        named = {
            key: {f"p{share * 100:g}": value for share, value in getattr(self, key).items()}
            for key in ("latency", "limit")
        }
        return {
            **{key: getattr(self, key) for key in ("service", "callers", "sent", "answered", "replies", "per_second")},
            **named,
            "times_the_limit": self.times_the_limit,
            "canary": {"worst": self.worst_canary, "milliseconds": [round(1000 * wait) for wait in self.canary]},
            "late": self.late,
            "connections": self.connections,
            "calls": dict(self.calls),
            "owed": dict(self.owed),
            "peak_in_flight": self.peak_in_flight,
            "cpu_per_message": self.cpu_per_message,
            "share_of_processor": self.share_of_processor,
            "is_processor_full": self.is_processor_full,
            "is_disturbed": self.is_disturbed,
            "taken": vars(self.taken),
            "workers": self.workers,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Figures:
        """What `as_dict` made into a dictionary."""
        kept = {key: value for key, value in stored.items() if key in cls.__dataclass_fields__}
        for key in ("latency", "limit"):
            kept[key] = {float(name[1:]) / 100: value for name, value in stored[key].items()}
        kept["canary"] = tuple(wait / 1000 for wait in stored["canary"]["milliseconds"])
        kept["taken"] = Taken(**stored["taken"])
        return cls(**kept)


def _quantiles(values: Sequence[float]) -> Mapping[float, float]:
    return {share: quantile(values, share) for share in QUANTILES}
