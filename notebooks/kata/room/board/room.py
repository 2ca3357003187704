"""What the page shows: how the room stands, finding by finding, and where it is stuck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from kata.audit import Finding, audit
from kata.room.board.store import Standing
from kata.verdict.model import Status

STUCK = (Status.PRESENT, Status.BROKEN, Status.ERROR)
"""Where somebody has tried, and is not through."""

_FEW = 2
"""How many have to stand at a finding until the room is said to be stuck at it: never one person."""

Everybody = Mapping[str, Mapping[str, Standing]]


def seen(everybody: Everybody, *, now: int, names: bool) -> dict[str, Any]:
    """The room as plain data, for the page.

    Args:
        everybody: How each one's findings stand, by name.
        now: Milliseconds since 1970, by the clock of the standings.
        names: Whether to say who stands where; if not, no name is in it.
    """
    shown = [*audit().findings, *_found_beyond(everybody)]
    findings = [_finding(finding, everybody.values(), now) for finding in shown]
    most = max((finding["stuck"] for finding in findings), default=0)
    stuck = [finding["id"] for finding in findings if finding["stuck"] == most >= _FEW]
    who = [
        {"name": name, "verdicts": {id: str(standing.status) for id, standing in standings.items()}}
        for name, standings in everybody.items()
    ]
    return {"learners": len(everybody), "findings": findings, "stuck": stuck, "who": who if names else None}


def _found_beyond(everybody: Everybody) -> list[Finding]:
    """Those that the report overlooked, once somebody in the room has found them."""
    judged = {id for standings in everybody.values() for id in standings}
    return [finding for finding in audit().beyond if finding.id in judged]


def _finding(finding: Finding, standings: Iterable[Mapping[str, Standing]], now: int) -> dict[str, Any]:
    here = [standing.get(finding.id) for standing in standings]
    counts = {str(status): sum(each is not None and each.status is status for each in here) for status in Status}
    waits = [now - each.since for each in here if each is not None and each.status in STUCK]
    return {
        "id": finding.id,
        "title": "" if finding in audit().beyond else finding.title,  # whoever has not found it, finds it themselves
        "counts": {**counts, "none": sum(each is None for each in here)},
        "stuck": len(waits),
        "minutes": int(median(waits) // 60_000) if len(waits) >= _FEW else None,
    }
