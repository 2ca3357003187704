"""Who is served and who stands in line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart, Exchange, bare, page, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def queue(
    calls: Mapping[str, Sequence[Exchange]],
    asked: Mapping[str, float],
    *,
    besides: Mapping[str, tuple[str, float, float]] | None = None,
    title: str,
) -> Chart:
    """Who is served and who stands in line, over time: one panel a name, on one scale.

    Args:
        calls: What a stand-in saw, by the name of the panel. Calls without an answer are left out.
        asked: When they all asked for it, by the same names, in seconds of `time.perf_counter`.
        besides: Something else that had to wait meanwhile, by the same names: what it is called, from when and until
            when it waited.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If no call of a panel was answered.
    """
    spans = {name: [(call.arrived, call.answered) for call in seen if call.answered] for name, seen in calls.items()}
    if not all(spans.values()):
        raise ValueError("no call was answered: there is nothing to draw")
    besides = besides or {}
    ends = [end - asked[name] for name, span in spans.items() for _, end in span]
    length = max(ends + [until - asked[name] for name, (_, _, until) in besides.items()])
    figure = page(1.1 + 1.7 * len(spans), title)
    rows = stacked(figure, list(spans))
    for row, (name, span) in zip(rows, spans.items(), strict=True):
        _stack(row, [(start - asked[name], end - asked[name]) for start, end in span])
        if name in besides:
            _wait(row, besides[name], asked[name], 1.1 * len(span), length)
        row.set_xlim(0, length * 1.02)
    handles, labels = rows[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    words = (f"{name}: {_line(span)}{_wait_in_words(span, besides.get(name))}" for name, span in spans.items())
    return Chart(figure, "\n".join(words))


def _stack(row: Axes, spans: Sequence[tuple[float, float]]) -> None:
    """How many are served, and on top of them how many stand in line."""
    times = sorted({0.0, *(time for span in spans for time in span)})
    served = [sum(start <= time < end for start, end in spans) for time in times]
    unanswered = [sum(time < end for _, end in spans) for time in times]
    most = max(served)
    row.fill_between(times, served, step="post", facecolor=BEAT, linewidth=0, label="calls in flight")
    waiting = {"facecolor": FLATLINE, "edgecolor": "white", "hatch": "///", "linewidth": 0}
    row.fill_between(times, served, unanswered, step="post", label="callers in line", **waiting)
    row.axhline(most, color=MARK, linewidth=0.8, linestyle=":")
    row.set_ylim(0, len(spans) * 1.35)
    row.set_yticks(sorted({0, most, len(spans)}))
    bare(row, "right", "top")


def _wait(row: Axes, wait: tuple[str, float, float], zero: float, height: float, length: float) -> None:
    what, start, end = wait[0], wait[1] - zero, wait[2] - zero
    row.plot([start, end], [height, height], color=MARK, linewidth=1.2)
    row.plot([end], [height], marker="v", color=MARK, markersize=6)
    side = "left" if end < length / 2 else "right"
    row.annotate(what, (end, height * 1.06), ha=side, va="bottom", fontsize=9, color=MARK)


def _line(spans: Sequence[tuple[float, float]]) -> str:
    first = min(end for _, end in spans)
    waited = sum(start >= first for start, _ in spans)
    return f"{len(spans)} ask at once: {len(spans) - waited} are served, {waited or 'none'} only after another's answer"


def _wait_in_words(spans: Sequence[tuple[float, float]], wait: tuple[str, float, float] | None) -> str:
    if wait is None:
        return ""
    return f"; {wait[0]} {'after' if wait[2] > min(end for _, end in spans) else 'before'} the first answer"
