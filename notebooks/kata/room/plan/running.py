"""A lesson run with a clock, cell by cell, as somebody at a laptop would."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from time import perf_counter

from kata.audit import project_root
from kata.load.machine import Machine
from kata.room.plan.clock import Time, total
from kata.room.plan.lessons import Lesson, cells_of
from kata.target import WORKSPACE_VARIABLE

LIMIT = 300
"""Seconds that one cell may take."""


class DidNotRun(Exception):
    """A cell of a lesson failed, or there is no kernel; the message says which."""


class BadRecord(ValueError):
    """A file holds no record of lessons that were run; the message says what to do."""


@dataclass(frozen=True)
class Record:
    """How long the cells of lessons ran, on one machine.

    Attributes:
        machine: What they ran on.
        walked: By the number of the lesson, what it took as it was then.
        seconds: By the number of the lesson and the id of the cell.
    """

    machine: str
    walked: Mapping[str, Time]
    seconds: Mapping[str, Mapping[str, float]]

    def of(self, lesson: Lesson) -> Mapping[str, float]:
        """The seconds of a lesson's cells, by their ids."""
        return self.seconds.get(lesson.number, {})

    def write(self, file: Path) -> None:
        """Keep it, for `kata plan --walk --record`."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, text: str) -> Record:
        """The record that was kept.

        Raises:
            BadRecord: If the text is none.
        """
        try:
            table = json.loads(text)
            seconds = {
                number: {id: float(took) for id, took in cells.items()} for number, cells in table["seconds"].items()
            }
            walked = {number: Time(**time) for number, time in table["walked"].items()}
            return cls(str(table["machine"]), walked, seconds)
        except (ValueError, TypeError, LookupError, AttributeError):
            raise BadRecord("no record of lessons: make one with `kata plan --run FILE`") from None


def recorded() -> Record:
    """The run that the course's own figures come from."""
    return Record.read(resources.files(__package__).joinpath("recorded.json").read_text(encoding="utf-8"))


def run(lesson: Lesson, sections: Sequence[str] = ()) -> Mapping[str, float]:
    """Run a lesson, or its head and some parts of it, in a kernel and a workspace of its own.

    Returns:
        The seconds of each code cell, by its id.

    Raises:
        DidNotRun: If a cell fails, or takes more than `LIMIT` seconds.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    chosen = [{**cell, "source": "".join(cell["source"])} for cell in cells_of(lesson, sections)]
    notebook = nbformat.from_dict({"cells": chosen, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    folder = project_root() / "notebooks"
    resources = {"metadata": {"path": str(folder)}}
    quiet = ["--log-level=ERROR"]  # a kernel on TCP warns of it, and on loopback it is all right
    client = NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources=resources, extra_arguments=quiet)
    seconds = {}
    with tempfile.TemporaryDirectory(prefix="kata-plan-", ignore_cleanup_errors=True) as scratch:
        variables = {**os.environ, WORKSPACE_VARIABLE: str(Path(scratch, "workspace"))}
        with client.setup_kernel(env=variables):
            for number, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                begun = perf_counter()
                try:
                    client.execute_cell(cell, number)
                except CellExecutionError as error:
                    raise _failed(lesson, cell.source, f"{error.ename}: {error.evalue}") from None
                except (CellTimeoutError, DeadKernelError) as error:
                    raise _failed(lesson, cell.source, f"{type(error).__name__}: {error}") from None
                seconds[cell.id] = perf_counter() - begun
    return seconds


def _failed(lesson: Lesson, source: str, why: str) -> DidNotRun:
    return DidNotRun(f"{lesson.file}, the cell that begins {source.strip().splitlines()[0]!r}: {why}")


def run_all(lessons: Sequence[Lesson], file: Path, tell: Callable[[str], None]) -> Sequence[str]:
    """Run lessons one after the other, say how each of them went, and keep it in a file, lesson by lesson.

    Returns:
        What went wrong: the lessons that did not run to their end are not in the file.
    """
    machine, wrong = str(Machine.here()), []
    walked: dict[str, Time] = {}
    seconds: dict[str, Mapping[str, float]] = {}
    Record(machine, walked, seconds).write(file)
    for lesson in lessons:
        try:
            took = {id: round(each, 2) for id, each in run(lesson).items()}
        except DidNotRun as error:
            wrong.append(str(error))
            tell(f"{lesson.title}: {error}")
            continue
        seconds[lesson.number], walked[lesson.number] = took, total(lesson.cells, took)
        Record(machine, walked, seconds).write(file)
        tell(f"{lesson.title}: {len(took)} cells in {sum(took.values()):.0f} s")
    return wrong
