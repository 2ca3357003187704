"""Notifications, posted once or again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart, bare, page, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Posted(Protocol):
    """One posting of a notification, and its answer. Times are seconds of `time.perf_counter`."""

    @property
    def posted(self) -> float: ...
    @property
    def answered(self) -> float | None: ...


class Delivered(Protocol):
    """A notification, and each time that it was posted."""

    @property
    def posts(self) -> Sequence[Posted]: ...


def deliveries(delivered: Mapping[str, Mapping[str, Delivered]], *, patience: float, title: str) -> Chart:
    """Notifications and their answers: a bar from each posting to its answer, thick and red from where it is late.

    Args:
        delivered: Notifications by the name of their row, by the name of the panel. All of them are answered.
        patience: Seconds after which an answer is late.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If one is not answered yet.
    """
    for rows in delivered.values():
        for name, delivery in rows.items():
            if any(post.answered is None for post in delivery.posts):
                raise ValueError(f"{name} is not answered yet: draw it afterwards")
    bars = [sum(len(delivery.posts) for delivery in rows.values()) for rows in delivered.values()]
    figure = page(1.5 + 0.34 * sum(bars) + 0.3 * len(bars), title)
    drawn = stacked(figure, list(delivered), heights=bars, gap=28)
    for panel, rows in zip(drawn, delivered.values(), strict=True):
        _draw_deliveries(panel, rows, patience)
    drawn[-1].set_xlabel(f"seconds; thick: not answered within {patience:g} s")
    return Chart(figure, "\n".join(f"{name}: {_postings(rows)}" for name, rows in delivered.items()))


def _draw_deliveries(panel: Axes, rows: Mapping[str, Delivered], patience: float) -> None:
    origin = min(post.posted for delivery in rows.values() for post in delivery.posts)
    number, labels = 0, {}
    for name, delivery in rows.items():
        for turn, post in enumerate(delivery.posts):
            start, end = post.posted - origin, (post.answered or post.posted) - origin
            late = min(end, start + patience)
            panel.barh(number, late - start, left=start, height=0.3, color=BEAT)
            panel.barh(number, end - late, left=late, height=0.62, color=FLATLINE)
            panel.plot([start], [number], marker="|" if turn == 0 else ">", color=MARK, markersize=7)
            labels[number] = name if turn == 0 else "again"
            number += 1
    panel.set_yticks(list(labels), list(labels.values()))
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(number - 0.4, -0.6)
    panel.set_xlim(left=-0.05)
    bare(panel, "left", "right", "top")


def _postings(rows: Mapping[str, Delivered]) -> str:
    times = {1: "once", 2: "twice"}
    return " · ".join(
        f"{name} is posted {times.get(len(each.posts), f'{len(each.posts)} times')}" for name, each in rows.items()
    )
