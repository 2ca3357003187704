"""Who does what: a column a doer, a row a thing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from kata.instruments.charts.chart import BEAT, MARK, Chart, bare, page


class Mark(Enum):
    """What is drawn in a field. Told apart by their shape, so in grey as well."""

    FULL = "a square"
    HOLLOW = "a frame"
    NONE = "a dot"
    OPEN = "a question mark"


def matrix(
    columns: Mapping[str, Mapping[str, Mark]], words: Mapping[Mark, str], *, split: int = 0, title: str
) -> Chart:
    """A field for everything that somebody does or does not do.

    Args:
        columns: By the column's name, its marks by the rows' names; every column has the same rows.
        words: What each mark means.
        split: How many columns stand before a line that divides them; 0 for no line.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If there is no column, or the columns' rows differ.
    """
    names = [list(column) for column in columns.values()]
    if not names or any(each != names[0] for each in names):
        raise ValueError("the columns have to have the same rows, and there has to be one")
    rows = names[0]
    figure = page(1.6 + 0.3 * len(rows), title)
    axes = figure.subplots()
    for x, column in enumerate(columns.values()):
        for y, mark in enumerate(column.values()):
            match mark:
                case Mark.FULL | Mark.HOLLOW:
                    fill = "full" if mark is Mark.FULL else "none"
                    axes.plot(x, y, "s", markersize=11, markeredgewidth=2, color=BEAT, fillstyle=fill)
                case Mark.NONE:
                    axes.plot(x, y, ".", markersize=4, color=MARK)
                case Mark.OPEN:
                    axes.text(x, y, "?", ha="center", va="center", fontsize=12)
    axes.set_xticks(range(len(columns)), [name.replace(", ", ",\n").replace(" ", "\n") for name in columns], fontsize=9)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    if split:
        axes.axvline(split - 0.5, color=MARK, linewidth=0.8)
    bare(axes, "left", "right", "top", "bottom")
    figure.supxlabel("   ".join(f"{mark.value}: {word}" for mark, word in words.items()), fontsize=9)
    return Chart(figure, "\n".join(f"{name}: {_told(column, words)}" for name, column in columns.items()))


def _told(column: Mapping[str, Mark], words: Mapping[Mark, str]) -> str:
    told = {mark: [row for row, seen in column.items() if seen is mark] for mark in Mark}
    return "; ".join(f"{words[mark]} {' '.join(found)}" for mark, found in told.items() if found)
