"""The bench: services under the same load, side by side, in rounds with more and more callers."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import psutil

from kata.gallery import gallery
from kata.load.callers import Way, Webhook, drive
from kata.load.child import Child, ChildFailed
from kata.load.figures import Figures
from kata.load.gauge import gauge
from kata.load.group import at_once
from kata.load.mix import INTERVAL, Interface, Message, each_kind, plan
from kata.load.page import page, visits
from kata.load.service import PACKAGE, service
from kata.load.sockets import allow_many
from kata.load.world import World, world

SIDE_BY_SIDE = 20
"""Callers up to which services are measured at the same time: together they leave the processors time to spare. With
more they take turns."""

MOST_CALLERS = 500

TO_THE_STARTER = ("1.1", "1.2", "1.3", "2.3", "2.2", "3.1", "1.4", "1.5", "2.1")
"""The findings in an order in which they can be put back one upon the other, until all nine are there."""

ABOUT_FILES = ("1.1", "1.3", "1.5")
"""Findings that come to nothing on a fast disk."""

ABOUT_UPLOADS = ("1.2",)
"""Another one, which is on the chat page, where WhatsApp's users never come."""

SLOW = 0.1
"""Seconds that a file operation takes longer on a network mount that is having a bad day."""

_WARM_UP = 60.0  # seconds for the first messages, which load what is loaded late

Tell = Callable[[str], object]


class BenchFailed(RuntimeError):
    """A service could not be measured; the message says why."""


@dataclass(frozen=True)
class Candidate:
    """A service to be measured.

    Attributes:
        name: What it is called in the figures.
        package: The package's folder.
        back: Findings that are put back into a copy of it.
        loop: The event loop, asyncio or uvloop.
        workers: How many processes serve.
        slow: Seconds that each opening, making and removing of a file takes longer.
        interface: Where callers meet it. The chat page has one process, and the loop that Chainlit gives it.
    """

    name: str
    package: Path
    back: tuple[str, ...] = ()
    loop: str = "asyncio"
    workers: int = 1
    slow: float = 0.0
    interface: Interface = Interface.WHATSAPP


@dataclass(frozen=True)
class Schedule:
    """How much is measured.

    Attributes:
        callers: How many there are, round by round.
        seconds: How long messages come in a round, at least.
        messages: Few callers send for longer, until there are about so many messages.
        longest: But not for longer than so many seconds.
        patience: Seconds that answers are waited for after that.
    """

    callers: tuple[int, ...]
    seconds: float
    messages: int = 0
    longest: float = 60.0
    patience: float = 30.0

    def seconds_with(self, callers: int) -> float:
        """How long messages come with so many callers."""
        return max(self.seconds, min(self.longest, self.messages * INTERVAL / callers))

    def seconds_at_most(self, services: int) -> float:
        """How long that many services take at most, their start not counted."""
        turns = [(1 if callers <= SIDE_BY_SIDE else services, self.seconds_with(callers)) for callers in self.callers]
        return sum(turn * (seconds + self.patience) for turn, seconds in turns)


FULL = Schedule((1, 2, 5, 10, 20, 50, 100, 200), seconds=12, messages=20)
QUICK = Schedule((1, 5, 20), seconds=5, patience=10)
TWENTY = Schedule((20,), seconds=12)
"""For one finding after the other."""


def with_each_finding(solution: Candidate) -> list[Candidate]:
    """The solution with one finding put back, for each of the nine; the order is that of the report."""
    return _one_at_a_time(solution, sorted(TO_THE_STARTER))


def from_nine_to_none(solution: Candidate) -> list[Candidate]:
    """The way of a learner: all nine findings are there, and one is fixed after the other, until none is left."""
    ways = [TO_THE_STARTER[:left] for left in range(len(TO_THE_STARTER), -1, -1)]
    return [_with(solution, f"{len(back)} left", back) for back in ways]


def on_a_slow_disk(solution: Candidate) -> list[Candidate]:
    """The solution, and with each finding about files put back, where the disk is a slow network mount."""
    there = replace(solution, slow=SLOW)
    return [there, *_one_at_a_time(there, ABOUT_FILES)]


def on_the_chat_page(solution: Candidate) -> list[Candidate]:
    """The solution's chat page, and with the finding put back that is there and nowhere else, on such a disk too."""
    there = replace(solution, slow=SLOW, interface=Interface.CHAINLIT)
    return [there, *_one_at_a_time(there, ABOUT_UPLOADS)]


def on_other_loops(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates on uvloop, where there is one, and the candidates with two workers."""
    uvloop = [replace(each, name=f"{each.name}, uvloop", loop="uvloop") for each in candidates]
    workers = [replace(each, name=f"{each.name}, 2 workers", workers=2) for each in candidates]
    return [*(uvloop if has_uvloop() else []), *workers]


def has_uvloop() -> bool:
    """Whether it is installed; Windows has none."""
    return find_spec("uvloop") is not None


async def measure(candidates: Sequence[Candidate], schedule: Schedule, tell: Tell = lambda _: None) -> list[Figures]:
    """Start services, load all of them with each number of callers, and stop them.

    Args:
        tell: Is told what goes on, a line at a time.

    Raises:
        BenchFailed: If a service does not start, or does not answer.
    """
    allow_many()
    with homes("bench", len(candidates)) as folders:
        return await _measure(candidates, schedule, folders, tell)


@contextmanager
def homes(name: str, number: int) -> Iterator[list[Path]]:
    """Folders for so many services, which need not exist, until the end; and the errors of processes as one.

    Args:
        name: What the services are run for: bench or soak.
        number: How many there are.

    Raises:
        BenchFailed: If a process does not start, ends, or was ended from outside.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f"kata-{name}-", ignore_cleanup_errors=True) as scratch:
            yield [Path(scratch, str(each)) for each in range(number)]
    except ChildFailed as error:
        raise BenchFailed(str(error)) from None
    except psutil.NoSuchProcess:
        raise BenchFailed(f"a process of the {name} was ended from outside") from None


async def in_pairs(candidates: Sequence[Candidate], schedule: Schedule, tell: Tell = lambda _: None) -> list[Figures]:
    """Measure many services, two at a time.

    Raises:
        BenchFailed: If a service does not start, or does not answer.
    """
    pairs = [candidates[start : start + 2] for start in range(0, len(candidates), 2)]
    return [figures for pair in pairs for figures in await measure(pair, schedule, tell)]


async def _measure(
    candidates: Sequence[Candidate], schedule: Schedule, folders: Sequence[Path], tell: Tell
) -> list[Figures]:
    tell(f"starting {', '.join(candidate.name for candidate in candidates)}")
    async with AsyncExitStack() as running:
        starts = (_site(candidate, home) for candidate, home in zip(candidates, folders, strict=True))
        sites = await at_once(*(running.enter_async_context(start) for start in starts))
        await at_once(*(site.warm_up() for site in sites))
        measured: list[Figures] = []
        for number, callers in enumerate(schedule.callers, start=1):
            load = Load(number, callers, schedule.seconds_with(callers), schedule.patience)
            if callers <= SIDE_BY_SIDE:
                tell(f"{load}, side by side")
                measured += await at_once(*(site.bear(load) for site in sites))
            else:
                for site in sites:
                    tell(f"{load}, {site.candidate.name}")
                    measured.append(await site.bear(load))
        return measured


@dataclass(frozen=True)
class Load:
    """What a service has to bear in a round: so many callers, for so many seconds, with so much patience after that."""

    round: int
    callers: int
    seconds: float
    patience: float

    def __str__(self) -> str:
        return f"{self.callers} caller{'s' if self.callers != 1 else ''} for {self.seconds:.0f} s"


@dataclass(frozen=True)
class _Door:
    """Where callers come to a service.

    Attributes:
        child: The service's process.
        address: The service's address.
        open: Lets the callers of messages get ready, and sees them off at the end; is told the messages, the ids of
            what they carry, and the round.
    """

    child: Child
    address: str
    open: Callable[[Sequence[Message], Mapping[int, str], int], AbstractAsyncContextManager[Way]]


class _Site:
    """A service that runs, and the outside world that is its own."""

    def __init__(self, candidate: Candidate, providers: World, door: _Door) -> None:
        self.candidate = candidate
        self._world = providers
        self._door = door

    async def warm_up(self) -> None:
        """Send one message of each kind.

        Raises:
            BenchFailed: If one is not answered, or not as it should be.
        """
        messages = each_kind(self.candidate.interface)
        load = Load(round=0, callers=len(messages), seconds=0.1, patience=_WARM_UP)
        figures = await self._round(messages, load)
        if figures.replies < figures.sent:
            raise BenchFailed(
                f"{self.candidate.name} answered {figures.replies} of {figures.sent} messages as it should, before "
                f"there was any load{self._door.child.last_words}"
            )

    async def bear(self, load: Load) -> Figures:
        """Let callers write to it, and say how it bore that."""
        return await self._round(plan(load.callers, load.seconds, self.candidate.interface), load)

    async def _round(self, messages: Sequence[Message], load: Load) -> Figures:
        media = await self._world.prepare(messages)
        async with (
            self._door.open(messages, media, load.round) as way,
            gauge(self._door.child.pid, [self._world.pid]) as instrument,
        ):
            driven = await drive(self._door.address, messages, way, seconds=load.seconds, patience=load.patience)
            await self._door.child.check()
            taken = instrument.read()
        seen = await self._world.seen()
        return Figures.of(
            self.candidate.name,
            load.callers,
            messages,
            driven,
            seen,
            way.replies(seen),
            taken,
            round=load.round,
            workers=self.candidate.workers,
        )


@asynccontextmanager
async def _site(candidate: Candidate, home: Path) -> AsyncIterator[_Site]:
    await asyncio.to_thread(put_back, candidate, home)
    async with (
        world(candidate.name, home) as providers,
        _opened(candidate, home, providers.settings) as door,
    ):
        yield _Site(candidate, providers, door)


@asynccontextmanager
async def _opened(candidate: Candidate, home: Path, settings: Mapping[str, str]) -> AsyncIterator[_Door]:
    if candidate.interface is Interface.CHAINLIT:
        async with page(candidate.name, home, settings, slow=candidate.slow) as (child, chat_page):
            yield _Door(child, chat_page.base_url, lambda messages, _, round: visits(chat_page, messages, round))
    else:
        async with service(
            candidate.name, home, settings, loop=candidate.loop, workers=candidate.workers, slow=candidate.slow
        ) as (child, address):
            yield _Door(child, address, lambda _, media, round: nullcontext(Webhook(media, round)))


def put_back(candidate: Candidate, home: Path) -> None:
    """Put a copy of the candidate's package into a folder of its own, and the findings back into the copy."""
    copy = home / PACKAGE
    shutil.copytree(candidate.package, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for id in candidate.back:
        for change in gallery(id).put_back:
            change.apply(copy)


def _one_at_a_time(solution: Candidate, ids: Iterable[str]) -> list[Candidate]:
    return [_with(solution, id, (id,)) for id in ids]


def _with(solution: Candidate, name: str, back: tuple[str, ...]) -> Candidate:
    return replace(solution, name=name, back=back)
