"""What every chart has in common: the page, the colours, and the words beside the picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEAT, FLATLINE, MARK = "#0072B2", "#D55E00", "#000000"
"""Blue, vermilion and black of the palette of Okabe and Ito, which colour-blind people can tell apart; in grey the
flatline is the thick line."""

_COLOURS = 32
"""Colours of a stored picture: enough for three and their edges, and a third of the bytes."""

_WIDTH = 9
"""Inches: what JupyterLab shows on a laptop, with its side bar open."""


class Exchange(Protocol):
    """A call and its answer, as a stand-in's journal has it. Times are seconds of `time.perf_counter`."""

    @property
    def arrived(self) -> float: ...
    @property
    def answered(self) -> float | None: ...
    @property
    def status(self) -> int | None: ...


@dataclass(frozen=True)
class Chart:
    """A picture for a notebook, and its text.

    Attributes:
        figure: The drawing.
        text: What it shows, in words: its alternative text, and what a test compares.
    """

    figure: Figure
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_png_(self) -> bytes:
        from PIL import Image

        drawn, stored = io.BytesIO(), io.BytesIO()
        self.figure.savefig(drawn, format="png", dpi=96)
        Image.open(drawn).convert("RGB").quantize(_COLOURS).save(stored, format="png", optimize=True)
        return stored.getvalue()


def page(height: float, title: str) -> Figure:
    """An empty figure with a title, `height` inches high."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def stacked(
    figure: Figure, names: Sequence[str], *, heights: Sequence[float] | None = None, gap: float = 4
) -> list[Axes]:
    """One panel a name, one above the other on one scale of seconds, its name at its left.

    Args:
        heights: How high they are, one to another; None means the same.
        gap: Points between a panel and its name.
    """
    grid = {"height_ratios": heights} if heights else {}
    rows = list(figure.subplots(len(names), 1, sharex=True, squeeze=False, gridspec_kw=grid)[:, 0])
    for row, name in zip(rows, names, strict=True):
        row.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=gap)
    rows[-1].set_xlabel("seconds")
    return rows


def bare(row: Axes, *sides: str) -> None:
    """Take a panel's frame away at these sides."""
    for side in sides:
        row.spines[side].set_visible(False)
