"""`kata soak`: from what was asked for to the records."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from kata.audit import project_root
from kata.load.bench import BenchFailed, Candidate, at_once
from kata.load.child import ChildFailed
from kata.load.command import WrongCall
from kata.load.machine import Machine
from kata.load.soak.record import Record, claims
from kata.load.soak.report import table, write
from kata.load.soak.soak import Tell, soak

__all__ = ["BenchFailed", "Wanted", "WrongCall", "run", "soaked", "understood"]

STARTER = "starter"
"""What is soaked for comparison, where nothing else is asked for: it is not held to the claims."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for, understood."""

    candidates: tuple[Candidate, ...]
    compared: frozenset[str]
    seconds: float
    file: Path | None = None


def understood(packages: Mapping[str, Path], *, seconds: float = 600.0, file: Path | None = None) -> Wanted:
    """Turn the options of the command line into what is to be done.

    Args:
        packages: The folders of the packages, by name; none means the solution, with the starter for comparison.
        seconds: How long there is trouble.
        file: Where everything is kept; None for nowhere.

    Raises:
        WrongCall: If that cannot be.
    """
    if file and not file.absolute().parent.is_dir():
        raise WrongCall(f"there is no folder {file.parent} for {file.name}: make it first")
    folders = packages or {name: project_root() / name for name in (STARTER, "solution")}
    candidates = tuple(Candidate(name, folder) for name, folder in folders.items())
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
    tell(f"{wanted.seconds:.0f} seconds of trouble; the start, the breaker, and the calm after each round come on top")
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
    try:
        # kata: allow temporary-file-on-loop because no service runs yet, and this loop serves nobody else
        with tempfile.TemporaryDirectory(prefix="kata-soak-", ignore_cleanup_errors=True) as scratch:
            homes = [Path(scratch, str(number)) for number, _ in enumerate(wanted.candidates)]
            works = (
                soak(each, wanted.seconds, home, tell) for each, home in zip(wanted.candidates, homes, strict=True)
            )
            return await at_once(*works)
    except ChildFailed as error:
        raise BenchFailed(str(error)) from None
    except psutil.NoSuchProcess:
        raise BenchFailed("a process of the soak was ended from outside") from None
