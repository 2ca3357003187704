"""The soak of one service: its breaker examined, itself restarted under load, and then round after round of trouble."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from kata.load.bench import BenchFailed, Candidate, Tell, put_back
from kata.load.child import Child
from kata.load.figures import P50, P95, quantile
from kata.load.group import first_of
from kata.load.holdings import Holdings, seen_from_outside
from kata.load.mix import Message, each_kind, plan
from kata.load.service import service
from kata.load.soak.examination import examine
from kata.load.soak.ledger import Books
from kata.load.soak.letters import Letter, lettered, marks_in
from kata.load.soak.post import Delivery, Outcome, Post
from kata.load.soak.record import Calm, Record
from kata.load.soak.stage import Seen, Stage, stage
from kata.load.soak.troubles import HURRIED, PATIENT, RECOVERY, ROUND, SHORTEST, Trouble

CALLERS = 15
"""A message comes every 0.4 s on average."""

LONGEST = 5.0
"""Seconds that a trouble lasts at most, before it is the next one's turn."""

SETTLING = 60.0
"""Seconds for work in progress to end, and for what is not needed to be let go: what is there then is left over."""

_PATIENCE = 90.0  # seconds: a delivery that takes longer is hung up, and tried again
_GRACE = 30.0  # seconds to end after it was told to
_CHANCES = 20
_POLL = 0.1
_SERVED = "RequestResponseCycle.run_asgi"  # uvicorn's task for a request

_ONLY_WHEN_STOPPED = (Outcome.FAILED, Outcome.BROKEN, Outcome.UNREACHED)


async def soak(
    candidate: Candidate, seconds: float, home: Path, tell: Tell = lambda _: None, *, settling: float = SETTLING
) -> Record:
    """Soak a service.

    Args:
        candidate: The service.
        seconds: How long it has trouble; its start, its breaker, and the calm after each round come on top.
        home: A folder of its own.
        tell: Is told what goes on, a line at a time.
        settling: Seconds for `SETTLING`.

    Raises:
        BenchFailed: If it does not answer as it should before there is any trouble.
        ChildFailed: If it does not start, or ends.
        psutil.NoSuchProcess: If it was ended from outside.
    """
    await asyncio.to_thread(put_back, candidate, home)
    async with stage(candidate.name, home) as providers:
        try:
            return await _Soak(candidate.name, seconds, home, providers, tell, settling).run()
        except ExceptionGroup as several:
            raise first_of(several) from None


class _Soak:
    def __init__(self, name: str, seconds: float, home: Path, providers: Stage, tell: Tell, settling: float) -> None:
        self._name = name
        self._home = home
        self._stage = providers
        self._tell = tell
        self._settling = settling
        self._post = Post(_PATIENCE)
        self._rounds = max(1, round(seconds / len(ROUND) / LONGEST))
        self._lasts = max(SHORTEST, seconds / len(ROUND) / self._rounds)
        self._numbered = 0
        self._restart = (0.0, 0.0)
        self._first: Holdings | None = None

    async def run(self) -> Record:
        calms: list[Calm] = []
        async with asyncio.TaskGroup() as group:
            async with self._service(PATIENT) as before:
                await self._warm_up(before)
                self._say("the breaker is examined")
                breaker = await examine(self._stage, self._post, self._lettered)
                self._say("restarted under load")
                await self._stage.make(Trouble.SLOW)
                group.create_task(self._load(2 * self._lasts))
                await asyncio.sleep(self._lasts / 2)
                await self._stage.make(Trouble.SILENT)  # so that what is in progress cannot end before the service
                await asyncio.sleep(self._lasts / 2)
                stopped = time.perf_counter()
            async with self._service(HURRIED) as after:
                self._restart = (stopped, time.perf_counter())
                await self._stage.make(Trouble.SLOW)
                await asyncio.sleep(self._lasts)
                calms.append(await self._calm(after))
                for number in range(1, self._rounds + 1):
                    self._say(f"round {number} of {self._rounds}")
                    await self._round()
                    calms.append(await self._calm(after))
        seen = await self._stage.seen()
        return Record(
            service=self._name,
            seconds=self._rounds * self._lasts * len(ROUND),
            calls={name: getattr(seen, name) for name in ("calls", "refused", "dropped", "abandoned")},
            books=Books.of(self._post.deliveries, seen.replies, seen.lost),
            waits=_quantiles(self._post.deliveries),
            unexpected=tuple(self._unexpected()),
            breaker=breaker,
            calms=calms,
            stops=(before.exit_status, after.exit_status),
            pool=min(32, (os.cpu_count() or 1) + 4),
            database=await asyncio.to_thread(_size, self._home / "kept"),
        )

    @asynccontextmanager
    async def _service(self, settings: Mapping[str, str]) -> AsyncIterator[Child]:
        settings = {**self._stage.settings, **settings}
        async with service(self._name, self._home, settings, grace=_GRACE) as (child, address):
            self._post.address = address
            yield child

    def _lettered(self, messages: Sequence[Message]) -> list[Letter]:
        letters = lettered(messages, self._numbered)
        self._numbered += len(letters)
        return letters

    async def _load(self, seconds: float) -> None:
        letters = self._lettered(plan(CALLERS, seconds))
        await self._post.deliver(letters, await self._stage.keep(letters))

    async def _round(self) -> None:
        size = max(1, len(plan(CALLERS, self._lasts)))
        async with asyncio.TaskGroup() as group:
            load = group.create_task(self._load(self._lasts * len(ROUND)))
            for trouble in ROUND:
                await self._stage.make(trouble, size)
                self._post.is_hasty = trouble is Trouble.HASTY
                await asyncio.sleep(self._lasts)
            await self._stage.make(Trouble.NONE)
            self._post.is_hasty = False
            await load

    async def _calm(self, child: Child) -> Calm:
        await self._stage.make(Trouble.NONE)
        await self._until(child, lambda seen, held: not seen.in_flight and not held.tasks.get(_SERVED))
        await asyncio.sleep(RECOVERY)
        await self._stage.hang_up()
        unwell = await self._unwell()
        messages, first = len(self._post.deliveries), self._first

        def left(seen: Seen, held: Holdings) -> dict[str, list[str]]:
            return held.more_than(first or held, seen.abandoned)

        held = await self._until(child, lambda seen, held: not (left(seen, held) or (first is None and held.callers)))
        self._first = first or held
        return Calm(messages, held, left(await self._stage.seen(), held), unwell)

    async def _warm_up(self, child: Child) -> None:
        kinds = {letter.kind.value: good for letter, good in await self._send(each_kind())}
        if not all(kinds.values()):
            bad = ", ".join(kind for kind, good in kinds.items() if not good)
            raise BenchFailed(
                f"{self._name} did not answer as it should, before there was any trouble: {bad}{child.last_words}"
            )

    async def _unwell(self) -> tuple[str, ...]:
        """Send one message of each kind after the other; the kinds that are not answered as they should be.

        Each has several chances: on a machine that is busy, a companion in a hurry may give up although all is well.
        """
        unwell = []
        for message in each_kind():
            for _ in range(_CHANCES):
                ((_, good),) = await self._send([message])
                if good:
                    break
            else:
                unwell.append(message.kind.value)
        return tuple(unwell)

    async def _send(self, messages: Sequence[Message]) -> list[tuple[Letter, bool]]:
        """Send messages; whether each was answered as it should be."""
        letters = self._lettered(messages)
        deliveries = await self._post.deliver(letters, await self._stage.keep(letters))
        seen = await self._stage.seen()
        return [(each.letter, _is_well(each, seen)) for each in deliveries]

    async def _until(self, child: Child, good: Callable[[Seen, Holdings], bool]) -> Holdings:
        """Look until something holds, but not for ever; the last look at the service."""
        closes = time.monotonic() + self._settling
        while True:
            outside = await asyncio.to_thread(seen_from_outside, child.pid, self._home / "kept", self._stage.peers)
            holdings = Holdings(**outside, **await child.ask())
            if good(await self._stage.seen(), holdings) or time.monotonic() > closes:
                return holdings
            await asyncio.sleep(_POLL)

    def _unexpected(self) -> list[str]:
        stopped, started = self._restart
        return [
            attempt.said or attempt.outcome.value
            for delivery in self._post.deliveries
            for attempt in delivery.attempts
            if attempt.outcome in _ONLY_WHEN_STOPPED and not (attempt.posted <= started and stopped <= attempt.ended)
        ]

    def _say(self, line: str) -> None:
        self._tell(f"{self._name}: {line}")


def _is_well(delivery: Delivery, seen: Seen) -> bool:
    """Whether a message was answered at once and once, by the type of reply that was due, and in its own words."""
    letter, begun = delivery.letter, delivery.attempts[0].posted
    replies = [reply for reply in seen.replies if reply.to == delivery.phone and reply.at >= begun]
    return (
        len(delivery.attempts) == 1
        and [reply.type for reply in replies] == [letter.wants]
        and (letter.wants == "audio" or letter.mark in marks_in(replies[0].words))
    )


def _quantiles(deliveries: Sequence[Delivery]) -> Mapping[float, float]:
    attempts = [attempt for delivery in deliveries for attempt in delivery.attempts]
    waits = [each.ended - each.posted for each in attempts if each.outcome is Outcome.ANSWERED]
    return {share: quantile(waits, share) for share in (P50, P95, 1.0)}


def _size(kept: Path) -> int:
    return sum(path.stat().st_size for path in kept.glob("memory.db*"))
