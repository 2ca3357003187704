"""How long one waits, over how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart, bare, page

_LINES = ((FLATLINE, 3.0, "s"), (BEAT, 2.0, "o"), ("#CC79A7", 1.5, "^"), ("#009E73", 1.5, "D"))
"""Colour, width and marker of the first line, the second, the third, the fourth: told apart in grey by the latter."""


def growth(
    waits: Mapping[str, Mapping[int, float]],
    limit: Mapping[int, float],
    *,
    full: Mapping[str, Sequence[int]] | None = None,
    title: str,
) -> Chart:
    """Seconds of waiting over callers, a line a service, on one scale with the limit. Both axes are logarithmic.

    Args:
        waits: Seconds by the number of callers, by the name of the line.
        limit: What nobody can be faster than, in seconds, by the number of callers.
        full: With how many callers there was no processor time left, by the same names; marked by a ring.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If there is no line, or a line without a point.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    if not waits or not all(waits.values()):
        raise ValueError("nobody has waited: there is nothing to draw")
    figure = page(3.8, title)
    row = figure.subplots()
    for (name, points), (colour, width, marker) in zip(waits.items(), cycle(_LINES), strict=False):
        callers = sorted(points)
        seconds = [points[number] for number in callers]
        row.plot(callers, seconds, color=colour, linewidth=width, marker=marker, markersize=7, clip_on=False, zorder=3)
        beside = {"xytext": (12, 0), "textcoords": "offset points", "va": "center"}
        row.annotate(f"{name}\n{seconds[-1]:.1f} s", (callers[-1], seconds[-1]), fontsize=10, **beside)
        rings = [number for number in callers if number in (full or {}).get(name, ())]
        row.plot(rings, [points[number] for number in rings], "o", color=MARK, fillstyle="none", markersize=14)
    row.plot(sorted(limit), [limit[number] for number in sorted(limit)], color=MARK, linewidth=1.2, linestyle="--")
    first = min(limit)
    row.annotate("limit", (first, limit[first]), xytext=(0, -6), textcoords="offset points", va="top", fontsize=10)
    row.set_xscale("log")
    row.set_yscale("log")
    shown = sorted({number for points in waits.values() for number in points})
    row.xaxis.set_major_locator(FixedLocator(shown))
    row.yaxis.set_major_locator(FixedLocator([1, 2, 3, 5, 10, 20, 30, 50, 100]))
    for axis in (row.xaxis, row.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    row.set_ylim(0.6 * min(limit.values()), None)
    row.set_xlabel("callers")
    row.set_ylabel("seconds, 95 of 100 messages")
    bare(row, "right", "top")
    return Chart(figure, _words(waits))


def _words(waits: Mapping[str, Mapping[int, float]]) -> str:
    most = max(number for points in waits.values() for number in points)
    there = [name for name, points in waits.items() if most in points]
    ranked = sorted(there, key=lambda name: waits[name][most], reverse=True)
    return f"with {most} callers, from the longest wait to the shortest: {', '.join(ranked)}"
