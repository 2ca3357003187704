"""Who waits for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart, Exchange, bare, page, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Bars = Sequence[tuple[float, float]]


def lanes(panels: Mapping[str, Mapping[str, Sequence[Exchange]]], moments: Mapping[str, float], *, title: str) -> Chart:
    """Who waits for what: a lane a person, a bar from each message to its answer, and one moment that they wait for.

    The last lane of a panel is the one that the chart's words are about: how many of its answers came before the
    moment. A bar of it that reaches over the moment has the colour of the flatline.

    Args:
        panels: By the panel's name, the messages of each person. Those without an answer are left out.
        moments: By the same names, when it came to pass, in seconds of `time.perf_counter`.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If no message was answered.
    """
    drawn = {name: _from_zero(people, moments[name]) for name, people in panels.items()}
    ends = [end for people, _ in drawn.values() for bars in people.values() for _, end in bars]
    if not ends:
        raise ValueError("no message was answered: there is nothing to draw")
    height = sum(0.5 + 0.35 * len(people) for people in panels.values())
    figure = page(1.1 + height, title)
    rows = stacked(figure, list(drawn), gap=12)
    for row, (people, moment) in zip(rows, drawn.values(), strict=True):
        _draw_lanes(row, people, moment)
        row.set_xlim(0, max(ends) * 1.02)
    return Chart(figure, "\n".join(f"{name}: {_in_time(*panel)}" for name, panel in drawn.items()))


def _from_zero(people: Mapping[str, Sequence[Exchange]], moment: float) -> tuple[Mapping[str, _Bars], float]:
    """Everybody's bars, and the moment, in seconds since the first message."""
    zero = min((each.arrived for said in people.values() for each in said), default=0.0)
    bars = {
        who: [(each.arrived - zero, each.answered - zero) for each in said if each.answered]
        for who, said in people.items()
    }
    return bars, moment - zero


def _draw_lanes(row: Axes, people: Mapping[str, _Bars], moment: float) -> None:
    last = len(people) - 1
    for number, bars in enumerate(people.values()):
        for start, end in bars:
            colour = FLATLINE if number == last and start < moment < end else BEAT
            row.barh(number, end - start, left=start, height=0.55, color=colour, edgecolor="w")
    row.axvline(moment, color=MARK, linewidth=1.2, linestyle="--")
    row.set_ylim(last + 0.6, -0.6)
    row.set_yticks(range(len(people)), people)
    bare(row, "left", "right", "top")


def _in_time(people: Mapping[str, _Bars], moment: float) -> str:
    who, bars = list(people.items())[-1]
    asked = [end for start, end in bars if start < moment]
    messages, answers = _number(len(asked), "message"), _number(sum(end < moment for end in asked), "answer")
    return f"{who} sends {messages} before the dashed line, and has {answers} by then"


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
