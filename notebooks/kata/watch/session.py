"""The learner's loop in a terminal: save a file, see the verdicts that it changes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from rich.console import Console

from kata.audit import Finding
from kata.watch.changes import changes
from kata.watch.keys import keys
from kata.watch.screen import View, draw
from kata.watch.thread import in_a_thread_of_its_own
from kata.workspace import reset
from kata.workspace.diffs import left_to_the_solution, work_on
from kata.workspace.progress import board, judged, standing
from kata.workspace.reach import affected


async def watch(folder: Path, console: Console, first: Finding | None = None) -> None:
    """Judge what every save affects, and answer to keys, until one quits.

    Args:
        folder: The workspace's folder.
        console: Where to show it.
        first: The finding to begin with; the first that is not fixed if None.
    """
    session = _Session(folder, console, first)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(session.follow()), group.create_task(session.judge())]
        await session.begin()
        async for key in keys():
            if key == "q":
                break
            await session.press(key)
        for task in tasks:
            task.cancel()


class _Session:
    def __init__(self, folder: Path, console: Console, first: Finding | None) -> None:
        self._folder, self._console = folder, console
        now = board()
        current = first or (now.next or now.standings[0]).finding
        self._view = View(now, current)
        self._waiting: list[Finding] = []
        self._running: Finding | None = None
        self._work = asyncio.Event()
        self._drawing = asyncio.Lock()
        self._hints = 0
        self._reset_asked = False

    async def begin(self) -> None:
        """Judge the finding one begins with, unless its verdict is known."""
        if standing(self._view.current).is_current:
            await self._show()
        else:
            await self._judge_soon([self._view.current])

    async def follow(self) -> None:
        """Judge what each change affects, the current finding first."""
        async for paths in changes(self._folder):
            findings = [each.finding for each in self._view.board.standings]
            found = await asyncio.to_thread(affected, findings, self._folder, paths)
            count = f"{len(found)} finding{'s' if len(found) != 1 else ''} to judge" if found else "no finding uses it"
            self._view.changed = f"{datetime.now().astimezone():%H:%M:%S} {', '.join(paths)} changed: {count}"
            self._view.note = ""
            await self._judge_soon(found)

    async def judge(self) -> None:
        """Judge what waits for it, one after the other."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._waiting:
                self._running = self._waiting.pop(0)
                try:
                    await in_a_thread_of_its_own(judged, self._running, self._folder)
                except OSError as error:
                    self._view.note = f"{self._running.id} could not be judged: {error}"
                self._running = None
                await self._show()

    async def press(self, key: str) -> None:
        """Do what a key asks for."""
        asked, self._reset_asked = self._reset_asked, False
        if key == "h":
            self._view.note = self._next_hint()
        elif key == "d":
            self._view.note = await asyncio.to_thread(_diff, self._view.current)
        elif key == "r" and asked:
            self._view.note = await asyncio.to_thread(_put_back, self._view.current)
        elif key == "r":
            self._reset_asked = True
            self._view.note = f"r once more puts back the starter's code of {self._view.current.id}; a copy is kept"
        elif key == "n":
            self._next()
            await self.begin()
            return
        await self._show()

    async def _judge_soon(self, findings: list[Finding]) -> None:
        others = [finding for finding in self._waiting if finding not in findings]
        self._waiting = sorted([*findings, *others], key=lambda finding: finding != self._view.current)
        self._work.set()
        await self._show()

    async def _show(self) -> None:
        async with self._drawing:  # or an older board could be drawn over a newer one
            self._view.board = await asyncio.to_thread(board)
            self._view.judging = {each.id for each in (self._running, *self._waiting) if each}
            draw(self._console, self._view)

    def _next(self) -> None:
        """Go to the next finding that is not fixed, in a circle; to the next one if all are."""
        every = [each.finding for each in self._view.board.standings]
        place = every.index(self._view.current) + 1
        circle = [*every[place:], *every[:place]]
        fixed = {each.finding for each in self._view.board.standings if each.is_fixed}
        self._view.current = next((finding for finding in circle if finding not in fixed), circle[0])
        self._view.note, self._hints = "", 0

    def _next_hint(self) -> str:
        hints = self._view.current.hints
        self._hints = min(self._hints + 1, len(hints))
        return f"hint {self._hints} of {len(hints)}: {hints[self._hints - 1]}"


def _diff(finding: Finding) -> str:
    mine = work_on(finding) or "you have changed nothing yet"
    if not standing(finding).is_fixed:
        return mine
    title = f"and from your workspace to the solution, in the code of {finding.id}:"
    return f"{mine}\n\n{title}\n{left_to_the_solution(finding)}"


def _put_back(finding: Finding) -> str:
    try:
        done = reset(finding.id)
    except (OSError, ValueError) as error:
        return f"it could not be put back: {error}"
    parts = ", ".join(map(str, done.put_back)) or "nothing, the code is that of the starter"
    kept = f"\nyour version is kept as copy {done.copy.number}: `kata reset --undo` brings it back" if done.copy else ""
    return f"put back: {parts}{kept}"
