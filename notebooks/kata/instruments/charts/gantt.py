"""Calls in flight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kata.instruments.charts.chart import BEAT, Chart, Exchange, bare, page, stacked

if TYPE_CHECKING:
    pass


def gantt(calls: Mapping[str, Sequence[Exchange]], *, title: str) -> Chart:
    """Calls in flight: a bar from each call's arrival to its answer, one panel a name, on one scale.

    Args:
        calls: What a stand-in saw, by the name of the panel. Calls without an answer are left out.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If no call was answered.
    """
    spans = {name: [(call.arrived, call.answered) for call in seen if call.answered] for name, seen in calls.items()}
    if not any(spans.values()):
        raise ValueError("no call was answered: there is nothing to draw")
    length = max(end - span[0][0] for span in spans.values() for _, end in span)
    bars = [len(span) for span in spans.values()]
    figure = page(1.1 + 0.26 * sum(bars) + 0.3 * len(bars), title)
    rows = stacked(figure, list(spans), heights=[max(1, number) for number in bars])
    for row, span in zip(rows, spans.values(), strict=True):
        for number, (start, end) in enumerate(span):
            row.barh(number, end - start, left=start - span[0][0], height=0.62, color=BEAT)
        row.set_ylim(len(span) - 0.4, -0.6)
        row.set_xlim(0, length * 1.02)
        row.set_yticks([])
        bare(row, "left", "right", "top")
    return Chart(figure, "\n".join(f"{name}: {_overlap(span)}" for name, span in spans.items()))


def _overlap(spans: Sequence[tuple[float, float]]) -> str:
    most = max((sum(a <= start < b for a, b in spans) for start, _ in spans), default=0)
    return f"{len(spans)} calls, " + ("one after the other" if most <= 1 else f"up to {most} at once")
