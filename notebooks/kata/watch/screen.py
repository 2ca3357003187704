"""What `kata watch` shows: the board, the last change, the verdict, and what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from kata.audit import Finding
from kata.verdict.model import Status
from kata.verdict.text import render
from kata.workspace.board import Board, Standing

KEYS = "h hint · d diff · r reset · n next · q quit"

_STYLES = {Status.FIXED: "green", Status.UNTOUCHED: "cyan", Status.ERROR: "yellow"}
_OF_DIFF = {"+": "green", "-": "red", "@": "cyan"}


@dataclass
class View:
    """What there is to be shown.

    Attributes:
        board: How everything stands.
        current: The finding one works on.
        judging: Those that are being judged, or wait for it.
        changed: The last change, in a line; or empty.
        note: What was asked for: a hint, a diff, a question.
    """

    board: Board
    current: Finding
    judging: Collection[str] = ()
    changed: str = ""
    note: str = ""


def draw(console: Console, view: View) -> None:
    """Show it in the place of what was shown before."""
    console.clear()
    for line in _lines(view):
        console.print(line, soft_wrap=True)


def _lines(view: View) -> Sequence[Text]:
    on_board = (each for each in view.board.standings if each.finding == view.current)
    standing = next(on_board, Standing(view.current))  # one beyond the report comes onto it with its first verdict
    return [
        Text(f"workspace: {view.board.summary}", "bold"),
        *(_line(each, view) for each in view.board.standings),
        Text(),
        *([Text(view.changed, "dim")] if view.changed else []),
        *_verdict(standing, view.current.id in view.judging),
        *_note(view.note),
        Text(),
        Text(KEYS, "bold"),
    ]


def _line(standing: Standing, view: View) -> Text:
    finding = standing.finding
    arrow = "→" if finding == view.current else " "
    state = "judging …" if finding.id in view.judging else str(standing)
    return Text(f"{arrow} {standing.mark} {finding.id}  {finding.title}: {state}", _style(standing))


def _style(standing: Standing) -> str:
    if standing.verdict is None or not standing.is_current:
        return "dim"
    return _STYLES.get(standing.verdict.status, "red")


def _verdict(standing: Standing, is_judged: bool) -> Sequence[Text]:
    finding = standing.finding
    if is_judged:
        return [Text(f"judging {finding.id} {finding.title} …")]
    if standing.verdict is None:
        return [Text(f"{finding.id} {finding.title}: edit workspace/{finding.where[0]} and save")]
    lines = render(standing.verdict, finding, "workspace").splitlines()
    return [Text(line, _style(standing)) for line in lines]


def _note(note: str) -> Sequence[Text]:
    if not note:
        return []
    return [Text(), *(Text(line, _OF_DIFF.get(line[:1], "")) for line in note.splitlines())]
