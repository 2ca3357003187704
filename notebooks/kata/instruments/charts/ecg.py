"""The loop's electrocardiogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from kata.instruments.charts.chart import BEAT, FLATLINE, MARK, Chart, Exchange, bare, page, stacked
from kata.instruments.pulse import LEAST_SHARE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COMPLEX = ((0.0, 0.0), (0.25, 0.12), (0.4, 0.0), (0.45, -0.15), (0.52, 1.0), (0.6, -0.3), (0.66, 0.0), (1.0, 0.0))
"""One heartbeat as a cardiograph draws it: share of its width, height."""

_MOST_COMPLEXES = 60


class Beats(Protocol):
    """The beats of a loop over time, such as a `Pulse` has taken. Times are in seconds."""

    @property
    def started(self) -> float: ...
    @property
    def ended(self) -> float | None: ...
    @property
    def flatlines(self) -> Sequence[object]: ...
    def beats_between(self, start: float, end: float) -> int: ...
    def share_alive(self, start: float, end: float) -> float: ...
    def silences(self) -> Sequence[tuple[float, float]]: ...


def ecg(
    pulses: Mapping[str, Beats],
    calls: Mapping[str, Sequence[Exchange]],
    *,
    title: str,
    deadlines: Mapping[str, float] | None = None,
) -> Chart:
    """The loop's electrocardiogram: beats along the time axis, the flatline in red, one row a pulse, on one scale.

    Args:
        pulses: What was taken, by the name of its row.
        calls: What a stand-in saw meanwhile, by the same names; every answer is marked.
        title: What the chart says, in a sentence.
        deadlines: When a deadline was over, in seconds of `time.perf_counter`, by the same names; a dashed line.
    """
    due = deadlines or {}
    length = max(_length(pulse) for pulse in pulses.values())
    height = 1.9 if any(calls.values()) else 1.2
    figure = page(0.9 + 0.75 * height * len(pulses), title)
    rows = stacked(figure, list(pulses))
    for row, (name, pulse) in zip(rows, pulses.items(), strict=True):
        _draw(row, pulse, length)
        row.set_ylim(-0.6, height)
        _mark(row, pulse, calls.get(name, ()))
        if name in due:
            _mark_deadline(row, due[name] - pulse.started, height)
    lines = []
    for name, pulse in pulses.items():
        words = [f"the deadline passes while {_state_at(pulse, due[name])}"] if name in due else []
        lines.append(f"{name}: " + " · ".join([*words, _words(pulse, calls.get(name, ()))]))
    return Chart(figure, "\n".join(lines))


def _length(pulse: Beats) -> float:
    if pulse.ended is None:
        raise ValueError("this pulse is still being taken: draw it after its `async with` block")
    return pulse.ended - pulse.started


def _draw(row: Axes, pulse: Beats, length: float) -> None:
    width = length / _MOST_COMPLEXES
    xs: list[float] = []
    ys: list[float] = []
    for number in range(max(1, round(_length(pulse) / width))):
        left = number * width
        is_alive = pulse.beats_between(pulse.started + left, pulse.started + left + width) > 0
        shape = _COMPLEX if is_alive else ((0.0, 0.0), (1.0, 0.0))
        xs += [left + share * width for share, _ in shape]
        ys += [height for _, height in shape]
    row.plot(xs, ys, color=BEAT, linewidth=1.1)
    for start, end in pulse.silences():
        span = [start - pulse.started, end - pulse.started]
        row.plot(span, [0, 0], color=FLATLINE, linewidth=4.5, solid_capstyle="butt")
    row.set_xlim(0, length)
    row.set_yticks([])
    bare(row, "left", "right", "top")


def _mark(row: Axes, pulse: Beats, calls: Sequence[Exchange]) -> None:
    for call in calls:
        if call.answered is not None:
            at = call.answered - pulse.started
            row.plot([at], [1.3], marker="v", color=MARK, markersize=5)
            row.annotate(_answer(call), (at, 1.45), ha="center", va="bottom", fontsize=9, color=MARK)


def _mark_deadline(row: Axes, at: float, height: float) -> None:
    row.plot([at, at], [-0.6, height], color=MARK, linewidth=1.2, linestyle="--")
    row.annotate(
        "deadline", (at, -0.55), xytext=(4, 0), textcoords="offset points", va="bottom", fontsize=9, color=MARK
    )


def _state_at(pulse: Beats, moment: float) -> str:
    stands = any(start <= moment <= end for start, end in pulse.silences())
    return "the loop stands still" if stands else "the loop beats on"


def _words(pulse: Beats, calls: Sequence[Exchange]) -> str:
    if not calls:
        return "the loop stands still" if pulse.flatlines else "the loop beats on"
    words = [f"answer {_answer(calls[0])}"]
    for before, after in pairwise(calls):
        share = pulse.share_alive(before.answered or before.arrived, after.arrived)
        words.append("flatline" if share < LEAST_SHARE else "beats")
        words.append(f"answer {_answer(after)}")
    return " · ".join(words)


def _answer(call: Exchange) -> str:
    return "none" if call.status is None else str(call.status)
