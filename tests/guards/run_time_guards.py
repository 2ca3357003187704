"""The guards that watch a program run, each used as its documentation says, around one operation.

Each gives its complaints: the lines of the package under test that it names, or `NOWHERE` where it names none of them.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from blockbuster import BlockBuster, blockbuster_ctx

from kata.instruments.culprit import frames_from
from kata.instruments.pulse import Kind, Pulse

Doing = Callable[[], Awaitable[Any]]
Complaint = tuple[str, int]
"""A file, relative to the package's folder, and a line of it."""

NOWHERE: Complaint = ("", 0)

THRESHOLD = 0.25
"""Seconds from which a guard with a clock complains."""

_PLACE = re.compile(r"([^\s:'\"]+\.py):(\d+)")


async def pulse(doing: Doing, package: Path) -> set[Complaint]:
    """The course's own, as `pytest --pulse` takes it, but for silences: how long one is, the machine decides."""
    async with Pulse(package) as taken:
        await doing()
    seen = [flatline for flatline in taken.flatlines if flatline.kind is not Kind.SILENCE]
    return {(each.culprit.file.partition("/")[2], each.culprit.line) for each in seen if each.culprit}


async def blockbuster(doing: Doing, package: Path) -> set[Complaint]:
    """blockbuster in a test: a blocking call raises, and what comes out of the operation is the test's failure."""
    try:
        with blockbuster_ctx():
            await doing()
    except Exception as error:
        stacks = [traceback.extract_tb(each.__traceback__) for each in _chain(error)]
        return {_innermost([(f.filename, f.lineno or 0) for f in reversed(stack)], package) for stack in stacks}
    return set()


async def blockbuster_recording(doing: Doing, package: Path) -> set[Complaint]:
    """blockbuster, made to write down what is called from the package's code, and to let it through."""
    seen: set[Complaint] = set()
    guard, thread = BlockBuster(), threading.get_ident()
    for function in guard.functions.values():
        does_not_block, allowed = function.can_block_predicate, function.can_block_functions

        def write_down(*args: Any, does_not_block=does_not_block, allowed=allowed, **kwargs: Any) -> bool:
            if threading.get_ident() == thread and not does_not_block(*args, **kwargs):
                frames = [(f.f_code.co_filename, f.f_lineno, f.f_code.co_name) for f in frames_from(sys._getframe())]
                if not any(file.endswith(end) and name in names for end, names in allowed for file, _, name in frames):
                    seen.add(_innermost([frame[:2] for frame in frames], package))
            return True

        function.can_block_predicate = write_down
    guard.activate()
    try:
        await doing()
    finally:
        guard.deactivate()
    return seen - {NOWHERE}


async def asyncio_debug(doing: Doing, package: Path) -> set[Complaint]:
    """asyncio's debug mode, which logs the callbacks that take long."""
    loop, log, said = asyncio.get_running_loop(), logging.getLogger("asyncio"), list[str]()
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    loop.slow_callback_duration = THRESHOLD
    loop.set_debug(True)
    try:
        await _in_a_task(doing)
    finally:
        loop.set_debug(False)
        log.removeHandler(handler)
    return {_innermost(_places(message), package) for message in said if message.startswith("Executing ")}


async def aiocop(doing: Doing, package: Path) -> set[Complaint]:
    """aiocop, which reports the callbacks that take long, with the audit events and the samples on their way."""
    from aiocop import activate, deactivate, detect_slow_tasks, patch_audit_functions, start_blocking_io_detection

    if not _AIOCOP:  # it is set up once in a process, and cannot be taken out again
        patch_audit_functions()
        start_blocking_io_detection()
        detect_slow_tasks(threshold_ms=int(THRESHOLD * 1000), on_slow_task=_heard_of_aiocop)
    _AIOCOP.append([])
    activate()
    try:
        await _in_a_task(doing)
    finally:
        deactivate()
    seen = set()
    for event in (each for each in _AIOCOP[-1] if each.exceeded_threshold):
        traces = [each["trace"] for each in (*event.blocking_events, *event.cpu_stack_samples)]
        seen |= {_innermost(_places(trace), package) for trace in traces} or {NOWHERE}
    return seen - {NOWHERE} or seen


_AIOCOP: list[list[Any]] = []


def _heard_of_aiocop(event: Any) -> None:
    _AIOCOP[-1].append(event)


async def pyleak(doing: Doing, package: Path) -> set[Complaint]:
    """pyleak, which asks the loop from a thread, and looks at the loop's stack when no answer comes."""
    from pyleak import EventLoopBlockError, no_event_loop_blocking

    try:
        async with no_event_loop_blocking(action="raise", threshold=THRESHOLD, check_interval=0.01) as watching:
            await doing()
            while _is_looking(watching.detector.monitor_thread):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0.01)
    except EventLoopBlockError as error:
        stacks = [block.blocking_stack or [] for block in error.blocking_events]
        return {_innermost([(f.filename, f.lineno or 0) for f in reversed(stack)], package) for stack in stacks}
    return set()


GUARDS: Mapping[str, Callable[[Doing, Path], Awaitable[set[Complaint]]]] = {
    "pulse": pulse,
    "blockbuster": blockbuster,
    "blockbuster, recording": blockbuster_recording,
    "asyncio debug": asyncio_debug,
    "aiocop": aiocop,
    "pyleak": pyleak,
}
CLOCKS = ("asyncio debug", "aiocop", "pyleak")
"""Those that go by a clock: what takes no time, they do not see."""


def _is_looking(thread: threading.Thread) -> bool:
    """Whether pyleak's thread is still reading the sources of the stack that it saw, before it notes anything."""
    frame = sys._current_frames().get(thread.ident or 0)
    return any(each.f_code.co_name in ("_capture_main_thread_stack", "_add_block") for each in frames_from(frame))


async def _in_a_task(doing: Doing) -> None:
    async def task() -> None:
        await doing()

    await asyncio.create_task(task())
    await asyncio.sleep(0)  # what is said about its last step is said after it


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it was raised from or after."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _places(text: str) -> Sequence[Complaint]:
    return [(file, int(line)) for file, line in _PLACE.findall(text)]


def _innermost(stack: Iterable[Complaint], package: Path) -> Complaint:
    """The first place of a stack, innermost first, that is in the package."""
    for file, line in stack:
        if Path(file).is_relative_to(package):
            return Path(file).relative_to(package).as_posix(), line
    return NOWHERE
