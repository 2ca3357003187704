"""How long it takes from a saved file to its verdict, cold and warm."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from kata.audit import Finding, audit, project_root
from kata.verdict.judge import judge
from kata.verdict.warm import is_possible


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


def measure(finding: Finding, package: str = "solution", *, runs: int = 3) -> Speed:
    """Judge a finding of starter or solution a few times, cold and warm.

    It takes some five seconds with three runs, and a few more for the first finding of a process: the server's start.
    """
    folder = project_root() / package
    cold = [judge(finding, folder, warm=False).seconds for _ in range(runs)]
    if not is_possible():
        return Speed(finding.id, package, statistics.median(cold), None)
    for _ in range(3):  # the server starts, and rehearses what it sees for the first time
        judge(finding, folder)
    warm = [judge(finding, folder).seconds for _ in range(runs)]
    return Speed(finding.id, package, statistics.median(cold), statistics.median(warm))


def table(*, runs: int = 5) -> Iterator[Speed]:
    """Every finding that can be judged, in starter and in solution."""
    for finding in audit().everything:
        for package in ("starter", "solution"):
            yield measure(finding, package, runs=runs)


if __name__ == "__main__":
    for speed in table(runs=int(sys.argv[1]) if sys.argv[1:] else 5):
        print(speed, flush=True)
