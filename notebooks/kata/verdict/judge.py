"""Judges one finding in one package: starts the processes, bounds them, and has their logs read.

Where processes are forked, two share the tests: most of a test's time is spent on waiting, for a pause or a timeout.
"""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from kata.audit import Finding
from kata.verdict.environment import environment
from kata.verdict.logs import Ending, Run, Told, error, told_by
from kata.verdict.model import Verdict
from kata.verdict.preload import is_costly
from kata.verdict.process import MOST_OUTPUT, Cold, Process
from kata.verdict.warm import Lost, begin, is_ready, stay_warm

LIMIT = 25.0
"""Seconds that one judging may take: some ten times what it needs, for a machine that has ten things to do at once.
Twice as long where `preload.COSTLY` has to be imported."""

_LAST_WORDS = 2.0
"""Seconds to wait for the end of a dead process's output, which something that got away may still hold."""

SHARES = 2
"""How many processes share the tests of a finding where they are forked. From nothing, the imports cost most."""

_LOOK = 0.02
"""Seconds between two looks at a process that shares the tests with another."""


def limit_of(finding: Finding) -> float:
    """Seconds that judging a finding may take."""
    return 2 * LIMIT if is_costly(finding) else LIMIT


def judge(finding: Finding, folder: Path, *, limit: float | None = None, warm: bool = True) -> Verdict:
    """Judge one finding in one package, in a fresh process.

    Args:
        finding: A finding that has tests.
        folder: The folder of the package.
        limit: Seconds until the process is stopped; None means those of `limit_of`.
        warm: Have the process forked by a server where that is possible (see `kata.verdict.warm`).
    """
    if limit is None:
        limit = limit_of(finding)
    start = time.perf_counter()
    try:
        told = _judged(finding, folder, limit, warm)
    except Lost:  # the server was killed, perhaps by a machine that is short of memory: once more, with another
        try:
            told = _judged(finding, folder, limit, warm)
        except Lost:
            told = error("stopped: the process that had started it was killed, twice. Is there an os.kill?")
    if warm:
        stay_warm(finding)
    return Verdict(finding.id, *told, seconds=time.perf_counter() - start)


class _Share:
    """A process that judges a share of a finding's tests, what it prints, and its log.

    Args:
        finding: The finding.
        folder: The folder of the package.
        scratch: A folder for the log and for the process's temporary files, which is made.
        turns: The folder by which the processes share the tests, or None for one that has them all.
        limit: Seconds until the process gives up by itself.
        warm: Have it forked if that is possible.
    """

    def __init__(
        self, finding: Finding, folder: Path, scratch: Path, turns: Path | None, *, limit: float, warm: bool
    ) -> None:
        scratch.mkdir()
        self._log = scratch / "log.jsonl"
        arguments = [str(self._log), finding.tests, str(folder), str(limit - 2), str(turns or "")]
        variables = environment(scratch)
        self._process: Process = begin(finding, arguments, variables) if warm else Cold(arguments, variables)
        self._flooded = threading.Event()
        self._status: int | None = None
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def has_ended(self, limit: float) -> bool:
        """Wait for its end for a while; says whether it came.

        Raises:
            Lost: If nobody can say any more how it ended.
        """
        if self._status is None:
            with suppress(TimeoutError):
                self._status = self._process.wait(limit)
        return self._status is not None

    def close(self) -> None:
        """Kill the process if it is still there, and read the end of what it printed."""
        self._process.close()
        self._reader.join(_LAST_WORDS)

    def run(self) -> Run:
        """What is known of it."""
        ending = Ending.FLOOD if self._flooded.is_set() else Ending.OWN if self._status is not None else Ending.LIMIT
        return Run.read(self._log, -signal.SIGKILL if self._status is None else self._status, ending)

    def _drain(self) -> None:
        """Read what the process prints, to its end; kill it when that is too much."""
        total = 0
        with open(self._process.output, "rb", buffering=0) as output:
            while chunk := output.read(65536):
                total += len(chunk)
                if total > MOST_OUTPUT and not self._flooded.is_set():
                    self._flooded.set()
                    self._process.kill()


def _judged(finding: Finding, folder: Path, limit: float, warm: bool) -> Told:
    of = SHARES if warm and is_ready() else 1
    with tempfile.TemporaryDirectory(prefix="kata-judge-", ignore_cleanup_errors=True) as scratch:
        turns = Path(scratch) / "turns"
        turns.mkdir()
        with ExitStack() as stack:
            shares = []
            for number in range(of):
                place = Path(scratch) / str(number)
                share = _Share(finding, folder, place, turns if of > 1 else None, limit=limit, warm=warm)
                stack.callback(share.close)
                shares.append(share)
            needed = _wait(shares, limit)
        return told_by([share.run() for share in needed], finding, folder)


def _wait(shares: Sequence[_Share], limit: float) -> Sequence[_Share]:
    """Wait for the ends of the processes; returns those that matter.

    The first failure in the order of the tests is what is told, so whoever is past it needs no longer be waited for.
    """
    deadline = time.monotonic() + limit
    running, ended = list(shares), list[_Share]()
    while running and time.monotonic() < deadline:
        for share in running:
            if share.has_ended(_LOOK if len(shares) > 1 else limit):
                running.remove(share)
                ended.append(share)
                break
        if running and ended:
            failure = min(share.run().stopped_at for share in ended)
            running = [share for share in running if share.run().reached <= failure]
    return [*ended, *running]
