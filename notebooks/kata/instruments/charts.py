"""The course's pictures. Each comes with the words that say the same."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Protocol

from kata.instruments.pulse import LEAST_SHARE, Pulse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEAT, FLATLINE, MARK = "#0072B2", "#D55E00", "#000000"
"""Blue, vermilion and black of the palette of Okabe and Ito, which colour-blind people can tell apart; in grey the
flatline is the thick line."""

_COMPLEX = ((0.0, 0.0), (0.25, 0.12), (0.4, 0.0), (0.45, -0.15), (0.52, 1.0), (0.6, -0.3), (0.66, 0.0), (1.0, 0.0))
"""One heartbeat as a cardiograph draws it: share of its width, height."""

_LINES = ((FLATLINE, 3.0, "s"), (BEAT, 1.5, "o"), (MARK, 1.0, "^"))
"""Colour, width and marker of a chart's first line, its second, its third: told apart in grey by the latter two."""

_MOST_COMPLEXES = 60
_COLOURS = 32
"""Colours of a stored picture: enough for three and their edges, and a third of the bytes."""


class Exchange(Protocol):
    """A call and its answer, as a stand-in's journal has it. Times are seconds of `time.perf_counter`."""

    @property
    def arrived(self) -> float: ...
    @property
    def answered(self) -> float | None: ...
    @property
    def status(self) -> int | None: ...


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


def ecg(
    pulses: Mapping[str, Pulse],
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
    from matplotlib.figure import Figure

    due = deadlines or {}
    length = max(_length(pulse) for pulse in pulses.values())
    height = 1.9 if any(calls.values()) else 1.2
    figure = Figure(figsize=(9, 0.9 + 0.75 * height * len(pulses)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    rows = figure.subplots(len(pulses), 1, sharex=True, squeeze=False)[:, 0]
    for row, (name, pulse) in zip(rows, pulses.items(), strict=True):
        _draw(row, pulse, length)
        row.set_ylim(-0.6, height)
        _mark(row, pulse, calls.get(name, ()))
        if name in due:
            _mark_deadline(row, due[name] - pulse.started, height)
        row.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
    rows[-1].set_xlabel("seconds")
    lines = []
    for name, pulse in pulses.items():
        words = [f"the deadline passes while {_state_at(pulse, due[name])}"] if name in due else []
        lines.append(f"{name}: " + " · ".join([*words, _words(pulse, calls.get(name, ()))]))
    return Chart(figure, "\n".join(lines))


def gantt(calls: Mapping[str, Sequence[Exchange]], *, title: str) -> Chart:
    """Calls in flight: a bar from each call's arrival to its answer, one panel a name, on one scale.

    Args:
        calls: What a stand-in saw, by the name of the panel. Calls without an answer are left out.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If no call was answered.
    """
    from matplotlib.figure import Figure

    spans = {name: [(call.arrived, call.answered) for call in seen if call.answered] for name, seen in calls.items()}
    if not any(spans.values()):
        raise ValueError("no call was answered: there is nothing to draw")
    length = max(end - span[0][0] for span in spans.values() for _, end in span)
    bars = [len(span) for span in spans.values()]
    figure = Figure(figsize=(9, 1.1 + 0.26 * sum(bars) + 0.3 * len(bars)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    grid = {"height_ratios": [max(1, number) for number in bars]}
    rows = figure.subplots(len(spans), 1, sharex=True, squeeze=False, gridspec_kw=grid)[:, 0]
    for row, (name, span) in zip(rows, spans.items(), strict=True):
        for number, (start, end) in enumerate(span):
            row.barh(number, end - start, left=start - span[0][0], height=0.62, color=BEAT)
        row.set_ylim(len(span) - 0.4, -0.6)
        row.set_xlim(0, length * 1.02)
        row.set_yticks([])
        row.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
        for side in ("left", "right", "top"):
            row.spines[side].set_visible(False)
    rows[-1].set_xlabel("seconds")
    return Chart(figure, "\n".join(f"{name}: {_overlap(span)}" for name, span in spans.items()))


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
    from matplotlib.figure import Figure

    spans = {name: [(call.arrived, call.answered) for call in seen if call.answered] for name, seen in calls.items()}
    if not all(spans.values()):
        raise ValueError("no call was answered: there is nothing to draw")
    besides = besides or {}
    ends = [end - asked[name] for name, span in spans.items() for _, end in span]
    length = max(ends + [until - asked[name] for name, (_, _, until) in besides.items()])
    figure = Figure(figsize=(9, 1.1 + 1.7 * len(spans)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    rows = figure.subplots(len(spans), 1, sharex=True, squeeze=False)[:, 0]
    for row, (name, span) in zip(rows, spans.items(), strict=True):
        _stack(row, [(start - asked[name], end - asked[name]) for start, end in span])
        if name in besides:
            _wait(row, besides[name], asked[name], 1.1 * len(span), length)
        row.set_xlim(0, length * 1.02)
        row.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
    handles, labels = rows[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    rows[-1].set_xlabel("seconds")
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
    for side in ("right", "top"):
        row.spines[side].set_visible(False)


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


def deliveries(delivered: Mapping[str, Mapping[str, Delivered]], *, patience: float, title: str) -> Chart:
    """Notifications and their answers: a bar from each posting to its answer, thick and red from where it is late.

    Args:
        delivered: Notifications by the name of their row, by the name of the panel. All of them are answered.
        patience: Seconds after which an answer is late.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If one is not answered yet.
    """
    from matplotlib.figure import Figure

    for rows in delivered.values():
        for name, delivery in rows.items():
            if any(post.answered is None for post in delivery.posts):
                raise ValueError(f"{name} is not answered yet: draw it afterwards")
    bars = [sum(len(delivery.posts) for delivery in rows.values()) for rows in delivered.values()]
    figure = Figure(figsize=(9, 1.5 + 0.34 * sum(bars) + 0.3 * len(bars)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    grid = {"height_ratios": bars}
    panels = figure.subplots(len(delivered), 1, sharex=True, squeeze=False, gridspec_kw=grid)[:, 0]
    for panel, (name, rows) in zip(panels, delivered.items(), strict=True):
        _draw_deliveries(panel, rows, patience)
        panel.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=28)
    panels[-1].set_xlabel(f"seconds; thick: not answered within {patience:g} s")
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
    for side in ("left", "right", "top"):
        panel.spines[side].set_visible(False)


def _postings(rows: Mapping[str, Delivered]) -> str:
    times = {1: "once", 2: "twice"}
    return " · ".join(
        f"{name} is posted {times.get(len(each.posts), f'{len(each.posts)} times')}" for name, each in rows.items()
    )


def staircase(opened: Mapping[str, Sequence[int]], *, title: str) -> Chart:
    """Connections over messages: how many were opened in all after each message, a line a name.

    Args:
        opened: The counts by the name of the line; the first is the one before the first message.
        title: What the chart says, in a sentence.

    Raises:
        ValueError: If a line has no message.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not all(len(counts) > 1 for counts in opened.values()):
        raise ValueError("no message was sent: there is nothing to draw")
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
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
    for side in ("right", "top"):
        row.spines[side].set_visible(False)
    return Chart(figure, "\n".join(f"{name}: {_climbed(counts)}" for name, counts in opened.items()))


def _climbed(counts: Sequence[int]) -> str:
    connections = counts[-1] - counts[0]
    return f"{len(counts) - 1} messages, {connections} connection{'s' if connections != 1 else ''}"


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
    from matplotlib.figure import Figure

    drawn = {name: _from_zero(people, moments[name]) for name, people in panels.items()}
    ends = [end for people, _ in drawn.values() for bars in people.values() for _, end in bars]
    if not ends:
        raise ValueError("no message was answered: there is nothing to draw")
    height = sum(0.5 + 0.35 * len(people) for people in panels.values())
    figure = Figure(figsize=(9, 1.1 + height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    rows = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    for row, (name, (people, moment)) in zip(rows, drawn.items(), strict=True):
        _draw_lanes(row, people, moment)
        row.set_xlim(0, max(ends) * 1.02)
        row.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=12)
    rows[-1].set_xlabel("seconds")
    return Chart(figure, "\n".join(f"{name}: {_in_time(*panel)}" for name, panel in drawn.items()))


_Bars = Sequence[tuple[float, float]]


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
    for side in ("left", "right", "top"):
        row.spines[side].set_visible(False)


def _in_time(people: Mapping[str, _Bars], moment: float) -> str:
    who, bars = list(people.items())[-1]
    asked = [end for start, end in bars if start < moment]
    return f"{sum(end < moment for end in asked)} of {len(asked)} answers for {who} come before the dashed line"


def _overlap(spans: Sequence[tuple[float, float]]) -> str:
    most = max((sum(a <= start < b for a, b in spans) for start, _ in spans), default=0)
    return f"{len(spans)} calls, " + ("one after the other" if most <= 1 else f"up to {most} at once")


def _length(pulse: Pulse) -> float:
    if pulse.ended is None:
        raise ValueError("this pulse is still being taken: draw it after its `async with` block")
    return pulse.ended - pulse.started


def _draw(row: Axes, pulse: Pulse, length: float) -> None:
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
    for side in ("left", "right", "top"):
        row.spines[side].set_visible(False)


def _mark(row: Axes, pulse: Pulse, calls: Sequence[Exchange]) -> None:
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


def _state_at(pulse: Pulse, moment: float) -> str:
    stands = any(start <= moment <= end for start, end in pulse.silences())
    return "the loop stands still" if stands else "the loop beats on"


def _words(pulse: Pulse, calls: Sequence[Exchange]) -> str:
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
