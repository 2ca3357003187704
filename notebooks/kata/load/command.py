"""`kata bench`: from what was asked for to the figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kata.audit import project_root
from kata.load.bench import (
    FULL,
    MOST_CALLERS,
    QUICK,
    TWENTY,
    BenchFailed,
    Candidate,
    Schedule,
    Tell,
    from_nine_to_none,
    has_uvloop,
    in_pairs,
    measure,
    on_a_slow_disk,
    on_other_loops,
    on_the_chat_page,
    with_each_finding,
)
from kata.load.machine import Machine
from kata.load.mix import Interface
from kata.load.report import Report, table

__all__ = ["BenchFailed", "Wanted", "WrongCall", "measured", "run", "understood"]

PICTURED = 20
"""Callers in the picture."""

_MOST_ROUNDS = 10


class WrongCall(ValueError):
    """What was asked for cannot be done; the message says why, and what can."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for, understood."""

    candidates: tuple[Candidate, ...]
    schedule: Schedule
    complete: bool
    file: Path | None
    picture: Path | None

    @property
    def seconds_at_most(self) -> float:
        """How long it takes at most, but for the start of the services."""
        pairs = -(-sum(map(len, self.others.values())) // 2)
        return self.schedule.seconds_at_most(len(self.candidates)) + pairs * TWENTY.seconds_at_most(2)

    @property
    def others(self) -> Mapping[str, Sequence[Candidate]]:
        """What is measured with twenty callers besides, by its name in the report."""
        if not self.complete:
            return {}
        return {
            "findings": [self.solution, *with_each_finding(self.solution)],
            "ladder": from_nine_to_none(self.solution),
            "slow_disk": on_a_slow_disk(self.solution),
            "chat_page": on_the_chat_page(self.solution),
            "variants": on_other_loops(self.candidates),
        }

    @property
    def solution(self) -> Candidate:
        """The solution, served in the same way as the candidates."""
        return replace(self.candidates[0], name="solution", package=project_root() / "solution")


def understood(
    packages: Mapping[str, Path],
    *,
    quick: bool = False,
    callers: str | None = None,
    complete: bool = False,
    uvloop: bool = False,
    workers: int = 1,
    slow_disk: float = 0.0,
    chat_page: bool = False,
    file: Path | None = None,
    picture: Path | None = None,
) -> Wanted:
    """Turn the options of the command line into what is to be done.

    Args:
        packages: The folders of the packages, by name; none means starter and solution.
        slow_disk: Milliseconds.

    Raises:
        WrongCall: If that cannot be.
    """
    if uvloop and not has_uvloop():
        raise WrongCall("uvloop is not installed: `uv sync` does it, except on Windows, which has none")
    if complete and (uvloop or workers > 1 or chat_page):
        raise WrongCall(
            "a complete bench has uvloop, two workers and the chat page in it: leave out --uvloop, --workers and "
            "--chat-page"
        )
    if chat_page and (uvloop or workers > 1):
        raise WrongCall("Chainlit serves its page in one process, on asyncio's loop: leave out --uvloop and --workers")
    if workers > 1 and slow_disk:
        raise WrongCall("the disk is slowed in one process only: leave out --workers or --slow-disk")
    check_folders_of(file, picture)
    schedule = QUICK if quick else FULL
    if callers is not None:
        schedule = replace(schedule, callers=_numbers(callers))
    if picture and PICTURED not in schedule.callers:
        raise WrongCall(f"the picture shows {PICTURED} callers: let --callers have {PICTURED} among them")
    return Wanted(
        candidates=tuple(
            Candidate(
                name,
                folder,
                loop="uvloop" if uvloop else "asyncio",
                workers=workers,
                slow=slow_disk / 1000,
                interface=Interface.CHAINLIT if chat_page else Interface.WHATSAPP,
            )
            for name, folder in folders_of(packages).items()
        ),
        schedule=schedule,
        complete=complete,
        file=file,
        picture=picture,
    )


def check_folders_of(*files: Path | None) -> None:
    """Look before anything is measured whether files can be made at all; None is a file that nobody wants.

    Raises:
        WrongCall: If the folder of one is not there.
    """
    for file in filter(None, files):
        if not file.absolute().parent.is_dir():
            raise WrongCall(f"there is no folder {file.parent} for {file.name}: make it first")


def folders_of(packages: Mapping[str, Path]) -> Mapping[str, Path]:
    """The packages that were asked for; starter and solution if none was."""
    return packages or {name: project_root() / name for name in ("starter", "solution")}


async def run(wanted: Wanted, tell: Tell, show: Tell) -> Report:
    """Measure, show the table, and write the files that were asked for.

    Args:
        tell: Is told what goes on.
        show: Is given the table.

    Raises:
        BenchFailed: If a service could not be measured, or a file not be written.
    """
    minutes = max(1, round(wanted.seconds_at_most / 60))
    tell(f"at most {minutes} {'minute' if minutes == 1 else 'minutes'}, usually less")
    report = None
    try:
        async for report in measured(wanted, tell):
            await asyncio.to_thread(_keep, report, wanted)
    finally:
        if report:
            show(table(report))
    for file in filter(None, (wanted.file, wanted.picture)):
        tell(f"made {file}")
    return report


async def measured(wanted: Wanted, tell: Tell = lambda _: None) -> AsyncIterator[Report]:
    """Measure what was asked for; gives the report after each of its parts, each time with one part more.

    Raises:
        BenchFailed: If a service could not be measured.
    """
    machine, first = Machine.here(), wanted.candidates[0]
    rounds = await measure(wanted.candidates, wanted.schedule, tell)
    report = Report(machine, first.loop, first.workers, first.slow, first.interface, rounds)
    yield report
    for name, candidates in wanted.others.items():
        report = replace(report, **{name: await in_pairs(candidates, TWENTY, tell)})
        yield report


def _keep(report: Report, wanted: Wanted) -> None:
    try:
        if wanted.file:
            report.write(wanted.file)
        if wanted.picture:
            wanted.picture.write_bytes(report.heartbeats(PICTURED)._repr_png_())
    except OSError as error:
        raise BenchFailed(f"the figures cannot be kept: {error}") from None


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise WrongCall(f"--callers takes numbers between commas, such as 1,20,50, and not {text!r}") from None
    if not all(1 <= number <= MOST_CALLERS for number in numbers):
        raise WrongCall(f"--callers takes numbers from 1 to {MOST_CALLERS}, and not {text!r}")
    if len(numbers) > _MOST_ROUNDS or len(set(numbers)) < len(numbers):
        raise WrongCall(f"--callers takes up to {_MOST_ROUNDS} numbers, each of them once, and not {text!r}")
    return numbers
