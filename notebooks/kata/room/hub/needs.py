"""What a room needs, computed from what rooms were measured to need."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("measured.json")
"""Rooms of several sizes, measured by `tests/room/hub/measure.py`."""

SYSTEM = 1024
"""MiB for the system itself, and for what it keeps of the disk in memory."""

COMING = 60
"""Seconds in which all are to be in their JupyterLab, with a notebook that answers, when they come at once."""

ASKING = 30
"""Seconds in which all are to have their first verdict, when they ask at once; it is the most expensive one."""


@dataclass(frozen=True)
class Needs:
    """What a room of so many learners needs.

    Attributes:
        learners: How many there are.
        memory: GiB.
        cores: Processors.
        coming: Seconds until all are in, on these, when they come at once.
        asking: Seconds until all have their first verdict, when they ask at once.
        each: MiB that one learner has at most.
        disk: MiB on the disk that one learner takes.
    """

    learners: int
    memory: int
    cores: int
    coming: int
    asking: int
    each: int
    disk: float

    def __str__(self) -> str:
        return (
            f"{self.learners} learners need {self.memory} GiB of memory and {self.cores} processors: {self.each} MiB "
            f"each while a verdict runs. When all come at once, all are in after {self.coming} seconds; when all ask "
            f"for their first verdict at once, all have it after {self.asking}. Each copy takes "
            f"{self.disk:g} MiB of the disk."
        )


def of(learners: int) -> Needs:
    """What a room of so many learners needs, on processors like those that were measured."""
    rooms = json.loads(FILE.read_text(encoding="utf-8"))["rooms"]
    largest = max(rooms, key=lambda room: room["learners"])
    each = ceil(max(room["sum of peaks MiB"] / room["learners"] for room in rooms))
    come = learners * (_most(rooms, "to JupyterLab") + _most(rooms, "to a kernel"))
    ask = learners * _most(rooms, "of the first verdict")
    cores = max(2, ceil(come / COMING), ceil(ask / ASKING))
    cores += cores % 2  # as they are sold
    return Needs(
        learners,
        ceil((SYSTEM + largest["hub MiB"] + learners * each) / 1024),
        cores,
        ceil(come / cores),
        ceil(ask / cores),
        each,
        largest["copy MiB"],
    )


def section() -> str:
    """The guide's paragraphs about it, as Markdown."""
    record = json.loads(FILE.read_text(encoding="utf-8"))
    rooms = record["rooms"]
    head = ["", *(f"{room['learners']} at once" for room in rooms)]
    rows = [
        ("memory of one learner, JupyterLab and no notebook, MiB", [f"{room['server MiB']}" for room in rooms]),
        ("with a notebook, after some verdicts, MiB", [f"{room['idle MiB']}" for room in rooms]),
        ("the most while verdicts run, each at the same time, MiB", [_each(room) for room in rooms]),
        ("hub and proxy, MiB", [f"{room['hub MiB']}" for room in rooms]),
        ("seconds from the door to JupyterLab, median and longest", [_spread(room, "to JupyterLab") for room in rooms]),
        ("seconds to the first verdict", [_spread(room, "to the first verdict") for room in rooms]),
        ("seconds to a later verdict", [_spread(room, "to a verdict") for room in rooms]),
        ("processor time of the way to JupyterLab, seconds", [_spent(room, "to JupyterLab") for room in rooms]),
        ("of the first verdict", [_spent(room, "of the first verdict") for room in rooms]),
        ("of a later one", [_spent(room, "of a verdict") for room in rooms]),
        ("others waiting for a processor when it began", [f"{room['load before']:.0f}" for room in rooms]),
    ]
    table = [head, ["---"] * len(head), *([what, *values] for what, values in rows)]
    return "\n".join(
        [
            f"{of(30)}",
            "",
            f"This is computed from rooms that were measured on {record['processors']} processors with Python "
            f"{record['python']}, where all learners did everything at once; the verdict is that of {record['finding']}"
            ", which waits a second by itself. Memory is the proportional share, in which what several use counts "
            "once. Processor time is what the kernel counts. Other programs ran on the same processors, as the last "
            "line says, and the room went before them: people would wait less on a machine of their own.",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            "",
        ]
    )


def _each(room: dict[str, Any]) -> str:
    return f"{room['sum of peaks MiB'] / room['learners']:.0f}"


def _spread(room: dict[str, Any], what: str) -> str:
    values = room[f"seconds {what}"]
    return f"{values['median']:.0f}, {values['longest']:.0f}"


def _spent(room: dict[str, Any], what: str) -> str:
    return f"{room[f'processor seconds {what}']:.1f}"


def _most(rooms: list[dict[str, Any]], what: str) -> float:
    return max(room[f"processor seconds {what}"] for room in rooms)
