"""How long it takes from a saved file to its verdict, cold and warm."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from kata.audit import Finding, audit, project_root
from kata.verdict.judge import judge
from kata.verdict.warm import is_possible, warm_up


@dataclass(frozen=True)
class Speed:
    """Medians for one finding in one package, in seconds.

    Attributes:
        id: The finding's id.
        package: ``starter`` or ``solution``.
        cold: In a process that has to import everything.
        warm: In a process that a server forks, or None where there are no servers.
    """

    id: str
    package: str
    cold: float
    warm: float | None

    def __str__(self) -> str:
        warm = "no server here" if self.warm is None else f"{self.warm:.1f} s warm"
        return f"{self.id} {self.package}: {self.cold:.1f} s cold, {warm}"


def cold(finding: Finding, package: str = "solution", *, runs: int = 3) -> float:
    """The median of some verdicts in seconds, each in a process that has to import everything."""
    folder = project_root() / package
    return statistics.median(judge(finding, folder, warm=False).seconds for _ in range(runs))


def warm(finding: Finding, package: str = "solution", *, runs: int = 3, rehearsals: int = 3) -> float | None:
    """The median of some verdicts in seconds, each in a process that a server forks; None where there are no servers.

    Args:
        finding: A finding that has tests.
        package: ``starter`` or ``solution``.
        runs: How many verdicts are measured.
        rehearsals: How many are not, before: the server starts, and rehearses what it sees for the first time.
    """
    if not is_possible():
        return None
    folder = project_root() / package
    warm_up(finding)
    for _ in range(rehearsals):
        judge(finding, folder)
    return statistics.median(judge(finding, folder).seconds for _ in range(runs))


def measure(finding: Finding, package: str = "solution", *, runs: int = 3) -> Speed:
    """Judge a finding of starter or solution a few times, cold and warm.

    It takes some five seconds with three runs, and a few more for the first finding of a process: the server's start.
    """
    return Speed(finding.id, package, cold(finding, package, runs=runs), warm(finding, package, runs=runs))


def table(*, runs: int = 5) -> Iterator[Speed]:
    """Every finding that can be judged, in starter and in solution."""
    for finding in audit().everything:
        for package in ("starter", "solution"):
            yield measure(finding, package, runs=runs)


if __name__ == "__main__":
    for speed in table(runs=int(sys.argv[1]) if sys.argv[1:] else 5):
        print(speed, flush=True)
