"""`kata soak`: from what was asked for to the records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kata.load.bench import BenchFailed, Candidate, Tell, homes
from kata.load.command import WrongCall, check_folders_of, folders_of
from kata.load.group import at_once
from kata.load.machine import Machine
from kata.load.soak.record import Record, claims
from kata.load.soak.report import table, write
from kata.load.soak.soak import soak

__all__ = ["BenchFailed", "Wanted", "WrongCall", "run", "soaked", "understood"]

STARTER = "starter"
"""What is soaked for comparison, where nothing else is asked for: it is not held to the claims."""


_ON_TOP = 100.0  # seconds for the start, the breaker, and the restart under load
_CALM = 1 / 3  # seconds of calm for each one of trouble


@dataclass(frozen=True)
class Wanted:
    """What was asked for, understood."""

    candidates: tuple[Candidate, ...]
    compared: frozenset[str]
    seconds: float
    file: Path | None = None

    @property
    def minutes_about(self) -> int:
        """How long it takes in all, roughly: what comes on top was measured on a machine with two cores."""
        return round((_ON_TOP + self.seconds * (1 + _CALM)) / 60)


def understood(packages: Mapping[str, Path], *, seconds: float = 600.0, file: Path | None = None) -> Wanted:
    """Turn the options of the command line into what is to be done.

    Args:
        packages: The folders of the packages, by name; none means the solution, with the starter for comparison.
        seconds: How long there is trouble.
        file: Where everything is kept; None for nowhere.

    Raises:
        WrongCall: If that cannot be.
    """
    check_folders_of(file)
    candidates = tuple(Candidate(name, folder) for name, folder in folders_of(packages).items())
    return Wanted(candidates, frozenset() if packages else frozenset({STARTER}), seconds, file)


async def run(wanted: Wanted, tell: Tell, show: Tell) -> bool:
    """Soak what was asked for, show what was seen, and keep it.

    Args:
        tell: Is told what goes on.
        show: Is given the table.

    Returns:
        Whether all claims hold for each service that is held to them.

    Raises:
        BenchFailed: If a service does not work at all, or a file cannot be written.
    """
    machine = Machine.here()
    tell(
        f"{wanted.seconds:.0f} seconds of trouble, about {wanted.minutes_about} minutes in all: "
        "the start, the breaker, and the calm after each round come on top"
    )
    records = await soaked(wanted, tell)
    show(table(records, machine))
    if wanted.file:
        try:
            await asyncio.to_thread(write, records, machine, wanted.file)
        except OSError as error:
            raise BenchFailed(f"the records cannot be kept: {error}") from None
        tell(f"kept in {wanted.file}")
    judged = [record for record in records if record.service not in wanted.compared]
    return all(claim.holds for record in judged for claim in claims(record))


async def soaked(wanted: Wanted, tell: Tell = lambda _: None) -> Sequence[Record]:
    """Soak several services side by side.

    Raises:
        BenchFailed: If one does not work at all.
    """
    with homes("soak", len(wanted.candidates)) as folders:
        works = (soak(each, wanted.seconds, home, tell) for each, home in zip(wanted.candidates, folders, strict=True))
        return await at_once(*works)
