"""What a soak has seen, as lines for a terminal and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kata.load.figures import P50, P95
from kata.load.machine import Machine
from kata.load.soak.record import Record, claims

VERSION = 1
"""Of the file's form."""

_ROWS: Mapping[str, Callable[[Record], str]] = {
    "messages": lambda each: f"{each.books.messages}",
    "deliveries": lambda each: f"{each.books.deliveries}",
    "  hung up by WhatsApp": lambda each: f"{each.books.hung_up}",
    "  answered: the reply was not taken": lambda each: f"{each.books.not_replied}",
    "  cut off": lambda each: f"{each.books.cut_off}",
    "second replies, to messages delivered again": lambda each: f"{each.books.again}",
    "replies taken without the companion knowing": lambda each: f"{each.books.lost}",
    "apologies": lambda each: f"{each.books.apologies}",
    "seconds to a 200: half of them at most": lambda each: f"{each.waits[P50]:.2f}",
    "  95 in 100 at most": lambda each: f"{each.waits[P95]:.2f}",
    "  the longest": lambda each: f"{each.waits[1.0]:.2f}",
    "calls to providers": lambda each: f"{each.calls['calls']}",
    "  answered with an error": lambda each: f"{each.calls['refused']}",
    "  dropped": lambda each: f"{each.calls['dropped']}",
    "  given up by the companion": lambda each: f"{each.calls['abandoned']}",
    "MB resident at the end": lambda each: f"{each.calms[-1].holdings.memory / 2**20:.0f}",
    "MB of conversations, kept on disk": lambda each: f"{each.database / 2**20:.0f}",
}


def table(records: Sequence[Record], machine: Machine) -> str:
    """What was seen of each service, side by side, and under it what is claimed, and whether it held."""
    wide = max(8, *(len(record.service) for record in records))
    label = max(map(len, _ROWS))
    rows = {"": lambda each: each.service, **_ROWS}
    lines = [
        " ".join([name.ljust(label), *(shown(each).rjust(wide) for each in records)]).rstrip()
        for name, shown in rows.items()
    ]
    for several in zip(*map(claims, records), strict=True):
        lines += ["", several[0].text]
        for record, claim in zip(records, several, strict=True):
            lines.append(f"  {'✓' if claim.holds else '✗'} {record.service.ljust(wide)}  {claim.seen}")
    lines += [
        "",
        "orphans: connections that httpcore loses where a call is cancelled while it connects (its issue 1093)",
        f"{records[0].seconds:.0f} s of trouble, on {machine}",
    ]
    return "\n".join(lines)


def write(records: Sequence[Record], machine: Machine, file: Path) -> None:
    """Keep everything in a file.

    Raises:
        OSError: If it cannot be written.
    """
    stored = {"version": VERSION, "machine": machine.as_dict(), "records": [record.as_dict() for record in records]}
    file.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
