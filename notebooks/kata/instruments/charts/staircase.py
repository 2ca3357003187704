"""Connections over messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart, bare, page

if TYPE_CHECKING:
    pass

_LINES = ((FLATLINE, 3.0, "s"), (BEAT, 1.5, "o"), (MARK, 1.0, "^"))
"""Colour, width and marker of the first line, the second, the third: told apart in grey by the latter two."""


def staircase(opened: Mapping[str, Sequence[int]], *, title: str) -> Chart:
    """Connections over messages: how many were opened in all after each message, a line a name.

    Args:
        opened: The counts by the name of the line; the first is the one before the first message.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If a line has no message.
    """
    from matplotlib.ticker import MaxNLocator

    if not all(len(counts) > 1 for counts in opened.values()):
        raise ValueError("no message was sent: there is nothing to draw")
    figure = page(3.2, title)
    row = figure.subplots()
    for (name, counts), (colour, width, marker) in zip(opened.items(), cycle(_LINES), strict=False):
        row.plot(
            range(len(counts)),
            counts,
            drawstyle="steps-post",
            color=colour,
            linewidth=width,
            marker=marker,
            markersize=6,
        )
        end = (len(counts) - 1, counts[-1])
        row.annotate(name, end, xytext=(10, 0), textcoords="offset points", va="center", fontsize=11)
    for axis in (row.xaxis, row.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    row.set_xlabel("messages")
    row.set_ylabel("connections opened")
    bare(row, "right", "top")
    return Chart(figure, "\n".join(f"{name}: {_climbed(counts)}" for name, counts in opened.items()))


def _climbed(counts: Sequence[int]) -> str:
    connections = counts[-1] - counts[0]
    return f"{len(counts) - 1} messages, {connections} connection{'s' if connections != 1 else ''}"
