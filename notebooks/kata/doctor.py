"""Is everything here that the course needs, and is there something about this machine that one should know?"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from kata.audit import audit, project_root
from kata.target import workspace
from kata.verdict import speed
from kata.workspace.progress import place_on_the_board

PROJECT = "unblock-the-loop"

LEAST_ROOM = 100 * 1024 * 1024
"""Bytes that have to be free: a hundred times what workspace and copies come to."""

INTERVAL = 0.005
"""Seconds between two beats of the idle loop; those of a `Pulse`."""

PATIENCE = 8.0
"""Seconds for a kernel to start and to answer, which needs two or three, and for the verdicts that are measured."""

MEASURED = "2.2"
"""The finding whose verdict is timed: SDK, stand-in and stream, as most have them, and no Chainlit."""

SLOW = 5.0
"""A verdict that takes this many seconds has a slow or busy machine under it; the README says what is usual."""

LATE = 4.0
"""An idle loop whose beats come this many times later than asked for has a busy machine under it."""


class Mark(StrEnum):
    """How a thing is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Line:
    """What is to be said of one thing.

    Attributes:
        name: The thing, the same words on every machine.
        mark: How it is.
        detail: What was found, such as a version or a number; another on every machine.
        todo: What to do about it; empty where it is fine.
    """

    name: str
    mark: Mark
    detail: str
    todo: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        todo = f": {self.todo}" if self.todo else ""
        return f"{self.mark:<4}  {self.name}{detail}{todo}"

    def as_dict(self) -> dict[str, str]:
        """The same as plain data, for JSON."""
        return {"name": self.name, "status": str(self.mark), "detail": self.detail, "todo": self.todo}


class NotReady(Exception):
    """The course cannot be taken like this; the message says what to do."""


class Unusual(Exception):
    """The course can be taken, but something will not be as it could be; the message says what to do.

    Args:
        todo: What to do.
        detail: What was found.
    """

    def __init__(self, todo: str, detail: str = "") -> None:
        self.detail = detail
        super().__init__(todo)


Check = Callable[[], str]
"""Looks at one thing and says what it found; raises NotReady or Unusual."""


def needs() -> list[Line]:
    """Whether everything is here that the course needs, a line for each thing."""
    return _examined_at_once(_NEEDS)


def machine() -> list[Line]:
    """What should be known about this machine, a line for each thing; the beat first, while nothing else goes on."""
    beat = _examined(*_IDLE)
    return [*_examined_at_once({**_MACHINE, **_joined()}), beat]


def everything() -> list[Line]:
    """Both, in less than ten seconds."""
    beat = _examined(*_IDLE)
    return [*_examined_at_once({**_NEEDS, **_MACHINE, **_joined()}), beat]


def is_ready(lines: Iterable[Line]) -> bool:
    """Whether nothing fails."""
    return all(line.mark is not Mark.FAIL for line in lines)


def _examined_at_once(checks: Mapping[str, Check]) -> list[Line]:
    with ThreadPoolExecutor(len(checks)) as pool:
        return list(pool.map(_examined, checks, checks.values()))


def _examined(name: str, check: Check) -> Line:
    try:
        return Line(name, Mark.OK, check())
    except NotReady as error:
        return Line(name, Mark.FAIL, "", str(error))
    except Unusual as error:
        return Line(name, Mark.WARN, error.detail, str(error))
    except Exception as error:  # a broken installation breaks in ways of its own
        return Line(name, Mark.FAIL, "", f"{type(error).__name__}: {error}; install the course anew with `uv sync`")


def _python() -> str:
    wanted = metadata.metadata(PROJECT)["Requires-Python"]
    version = ".".join(map(str, sys.version_info[:3]))
    if version not in SpecifierSet(wanted):
        raise NotReady(f"this is Python {version}, the course needs {wanted}: run it with `uv run`")
    return version


def _packages() -> str:
    wanted = _that_hold_here(metadata.requires(PROJECT) or ())
    for requirement in wanted:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            raise NotReady(f"{requirement.name} is missing: install the course with `uv sync`") from None
        if version not in requirement.specifier:
            raise NotReady(f"{requirement.name} is {version}, not {requirement.specifier}: run `uv sync`")
    return f"{len(wanted)} packages"


def _project() -> str:
    for package in ("starter", "solution"):
        try:
            module = importlib.import_module(package)
        except ImportError as error:
            raise NotReady(f"{error}: install the course with `uv sync`, from its own folder") from None
        found = Path(str(module.__file__)).resolve().parent
        if found != (project_root() / package).resolve():
            raise NotReady(f"{package} is that of {found.parent}: run `uv sync` in {project_root()}")
    return ""


def _loopback() -> str:
    from kata.instruments.standins import providers

    try:
        with providers("groq"):
            return ""
    except (OSError, RuntimeError) as error:
        raise NotReady(f"a stand-in could not be started on 127.0.0.1: {error}") from None


def _kernel() -> str:
    command = [sys.executable, "-m", "jupyter_client.runapp", "--kernel=python3"]  # `jupyter` would look on the PATH
    code = "import sys; print(sys.prefix)"
    try:
        run = subprocess.run(command, input=code, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise Unusual(
            f"none answered within {PATIENCE:g} s: the machine is busy, or a firewall stands between ports of 127.0.0.1"
        ) from None
    prefix, said = run.stdout.strip(), run.stderr.strip().rpartition("\n")[2]
    if not prefix:
        raise NotReady(f"none started, {said}: install the course anew with `uv sync`")
    if prefix != sys.prefix:
        raise NotReady(f"the kernel python3 is that of {prefix}: start JupyterLab with `uv run jupyter lab`")
    return ""


def _disk() -> str:
    folder = _nearest(workspace())
    if not os.access(folder, os.W_OK):
        raise NotReady(f"{folder} cannot be written: the workspace has to go there")
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise NotReady(f"{free // 2**20} MB are free in {folder}, make room for {LEAST_ROOM // 2**20}")
    return f"{free / 2**30:.1f} GB free"


def _pins() -> str:
    pinned = _that_hold_here((project_root() / "requirements.txt").read_text(encoding="utf-8").splitlines())
    installed = {each.metadata["Name"].lower().replace("_", "-"): each.version for each in metadata.distributions()}
    others = [
        f"{pin.name} {installed[pin.name]}"
        for pin in pinned
        if pin.name in installed and installed[pin.name] not in pin.specifier
    ]
    if others:
        raise Unusual("the course was tested with others: `uv sync` installs them", ", ".join(others))
    return f"{len(pinned)} pins"


def _editor() -> str:
    settings = Path(sys.prefix) / "etc" / "jupyter" / "labconfig" / "page_config.json"
    if not settings.is_file():
        raise Unusual("JupyterLab lacks the course's settings: `uv sync` installs them")
    if Path(sys.prefix).resolve() != (project_root() / ".venv").resolve():
        raise Unusual(f"an editor of your own has to be told the interpreter: {sys.executable}")
    return "JupyterLab has the course's settings, others find .venv"


def _file_events() -> str:
    from watchfiles import watch

    stop, seen = threading.Event(), threading.Event()
    with tempfile.TemporaryDirectory(prefix=".kata-start-", dir=_nearest(workspace())) as folder:

        def look() -> None:
            for _ in watch(folder, stop_event=stop, debounce=50, step=20, rust_timeout=100, force_polling=False):
                seen.set()

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        for _ in range(20):  # the watch begins at a moment of its own
            (Path(folder) / "saved").touch()
            (Path(folder) / "saved").unlink()
            if seen.wait(0.1):
                break
        stop.set()
        thread.join(2)
    if not seen.is_set():
        raise Unusual("a saved file is not announced here, as in network folders: `kata watch` has to look by itself")
    return "a saved file is announced"


def _verdicts() -> str:
    todo = "once more, if this is the first time; else the machine is slow or busy, verdicts stay true and take longer"
    finding, deadline = audit().finding(MEASURED), time.monotonic() + PATIENCE
    try:
        cold = _begun(lambda: speed.cold(finding, runs=1)).result(PATIENCE)
    except TimeoutError:
        raise Unusual(todo, f"{MEASURED}: none within {PATIENCE:g} s") from None
    found = f"{MEASURED}: {cold:.1f} s cold"
    if cold > SLOW:
        raise Unusual(todo, found)
    try:
        warm = _begun(lambda: speed.warm(finding, runs=1, rehearsals=1)).result(deadline - time.monotonic())
    except TimeoutError:
        raise Unusual(todo, f"{found}, no warm one within {PATIENCE:g} s") from None
    return f"{found}, {warm:.1f} s warm" if warm else f"{found}, no server here"


def _joined() -> dict[str, Check]:
    """A line more for who has joined a teacher's board."""
    place = place_on_the_board()
    return {"the teacher's board": lambda: place} if place else {}


T = TypeVar("T")


def _begun(work: Callable[[], T]) -> Future[T]:
    """Work that is under way in a thread, and that nobody has to wait for."""
    future: Future[T] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return future


def _beat() -> str:
    gaps: list[float] = []
    thread = threading.Thread(target=lambda: gaps.extend(asyncio.run(_gaps())))  # a notebook's own loop is running
    thread.start()
    thread.join()
    typical, longest = median(gaps) * 1000, max(gaps) * 1000
    found = f"{INTERVAL * 1000:g} ms asked, {typical:.1f} ms typical, {longest:.1f} ms the longest"
    if typical > LATE * INTERVAL * 1000:
        raise Unusual("the machine is busy: pictures will be uneven and waiting longer, verdicts stay true", found)
    return found


async def _gaps() -> Sequence[float]:
    from kata.instruments.pulse import Pulse

    async with Pulse(interval=INTERVAL) as pulse:
        await asyncio.sleep(0.5)
    return [later - earlier for earlier, later in pairwise(pulse.beat_times)]


def _that_hold_here(lines: Iterable[str]) -> list[Requirement]:
    requirements = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            requirements.append(requirement)
    return requirements


def _nearest(folder: Path) -> Path:
    """The folder itself or the nearest one around it that is there."""
    while not folder.is_dir():
        folder = folder.parent
    return folder


_NEEDS: dict[str, Check] = {
    "this Python": _python,
    "every package, at a version that fits": _packages,
    "starter and solution": _project,
    "a stand-in on loopback": _loopback,
    "room for the workspace": _disk,
}

_IDLE = "the beat of an idle loop", _beat

_MACHINE: dict[str, Check] = {
    "verdicts": _verdicts,
    "a kernel that starts": _kernel,
    "the versions that the course was tested with": _pins,
    "editors": _editor,
    "saved files": _file_events,
}
