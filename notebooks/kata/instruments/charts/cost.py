"""What each thing costs, beside the others."""

from __future__ import annotations

from collections.abc import Mapping

from kata.instruments.charts.chart import FLATLINE, MARK, Chart, bare, page


def cost(seconds: Mapping[str, float], base: tuple[str, float], *, unit: str, title: str, ranked: bool = True) -> Chart:
    """A bar for each thing, the longest on top, and a line that says how it is without any of them.

    Args:
        seconds: The length of each bar, by its name.
        base: What the line is called, and where it is.
        unit: What is measured, for the axis.
        title: What the chart says, in a sentence.
        ranked: Put the longest on top; otherwise the first, and the words name the two ends.

    Raises:
        ValueError: If there is no bar.
    """
    if not seconds:
        raise ValueError("nothing was measured: there is nothing to draw")
    names = sorted(seconds, key=lambda name: seconds[name]) if ranked else list(seconds)[::-1]
    what, without = base
    figure = page(1.2 + 0.3 * len(names), title)
    row = figure.subplots()
    lengths = [seconds[name] for name in names]
    row.barh(names, lengths, color=FLATLINE, height=0.6)
    for name, length in zip(names, lengths, strict=True):
        row.annotate(
            f"{length:.2f}", (length, name), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9
        )
    row.axvline(without, color=MARK, linewidth=1.2, linestyle="--")
    row.annotate(what, (without, len(names) - 0.45), xytext=(4, 0), textcoords="offset points", fontsize=9)
    row.set_ylim(-0.6, len(names))
    row.set_xlabel(unit)
    row.set_xlim(0, max(lengths) * 1.08)
    bare(row, "right", "top")
    if ranked:
        return Chart(figure, f"from the dearest to the cheapest: {', '.join(names[::-1])}")
    change = "shorter" if lengths[0] < lengths[-1] else "longer"
    return Chart(figure, f"from {names[-1]} to {names[0]}: {change}")
