"""Charts say in words what they show, and show it."""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from kata.instruments.charts import BEAT, FLATLINE, cost, deliveries, ecg, gantt, growth, lanes, queue, staircase
from kata.instruments.pulse import Pulse

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answered:
    arrived: float
    answered: float | None
    status: int | None = 200


@dataclass(frozen=True)
class Posted:
    posted: float
    answered: float | None


@dataclass(frozen=True)
class Delivered:
    posts: list[Posted]


async def taken(block: float = 0.0, rest: float = 0.1) -> Pulse:
    async with Pulse(HERE) as pulse:
        time.sleep(block)
        await asyncio.sleep(rest)
    return pulse


def pixels(chart, colour: str) -> int:
    image = Image.open(io.BytesIO(chart._repr_png_())).convert("RGB")
    wanted = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    near = (sum(abs(a - b) for a, b in zip(pixel, wanted, strict=True)) < 40 for pixel in image.get_flattened_data())
    return sum(near)


async def test_an_ecg_shows_the_flatline_where_the_loop_stood_still():
    stood, turned = await taken(block=0.4), await taken()
    assert pixels(ecg({"a": stood}, {}, title="A title"), FLATLINE) > 200
    assert pixels(ecg({"a": turned}, {}, title="A title"), FLATLINE) == 0


async def test_an_ecg_says_what_happened_between_the_answers():
    async with Pulse(HERE) as pulse:
        first = Answered(time.perf_counter(), time.perf_counter(), 429)
        time.sleep(0.3)
        second = Answered(time.perf_counter(), time.perf_counter(), None)
        await asyncio.sleep(0.2)
        third = Answered(time.perf_counter(), time.perf_counter())
    chart = ecg({"starter": pulse}, {"starter": [first, second, third]}, title="A title")
    assert chart.text == "starter: answer 429 · flatline · answer none · beats · answer 200"
    assert repr(chart) == chart.text


async def test_an_ecg_says_what_the_loop_does_when_a_deadline_is_over():
    async with Pulse(HERE) as stood:
        late = time.perf_counter() + 0.2
        time.sleep(0.4)
    async with Pulse(HERE) as turned:
        await asyncio.sleep(0.1)
        punctual = time.perf_counter()
        await asyncio.sleep(0.1)
    answers = {"a": [Answered(late, stood.ended)], "b": [Answered(punctual, None, None)]}
    chart = ecg({"a": stood, "b": turned}, answers, title="A title", deadlines={"a": late, "b": punctual})
    assert chart.text == (
        "a: the deadline passes while the loop stands still · answer 200\n"
        "b: the deadline passes while the loop beats on · answer none"
    )
    dashed = [line.get_linestyle() for row in chart.figure.axes for line in row.lines].count("--")
    assert dashed == 2


async def test_an_ecg_of_a_pulse_that_is_still_taken_is_refused():
    async with Pulse(HERE) as pulse:
        with pytest.raises(ValueError, match="still being taken"):
            ecg({"a": pulse}, {}, title="A title")


def test_a_gantt_chart_says_how_many_calls_were_in_flight():
    queue = [Answered(0.0, 1.0), Answered(1.0, 2.0), Answered(2.0, 3.0)]
    herd = [Answered(5.0, 6.0), Answered(5.1, 6.0), Answered(5.2, 6.1)]
    chart = gantt({"starter": queue, "solution": herd}, title="A title")
    assert chart.text == "starter: 3 calls, one after the other\nsolution: 3 calls, up to 3 at once"
    assert chart._repr_png_().startswith(b"\x89PNG")


def test_a_gantt_chart_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no call was answered"):
        gantt({"starter": [Answered(0.0, None, None)]}, title="A title")


def test_a_queue_says_who_had_to_wait_and_shows_them():
    line = [Answered(0.0, 1.0), Answered(0.0, 1.0), Answered(1.0, 2.0)]
    herd = [Answered(5.0, 6.0), Answered(5.0, 6.0), Answered(5.0, 6.1)]
    besides = {"starter": ("a file is read", 0.1, 2.1), "solution": ("a file is read", 5.1, 5.2)}
    chart = queue({"starter": line, "solution": herd}, {"starter": 0.0, "solution": 5.0}, besides=besides, title="A")
    assert chart.text == (
        "starter: 3 ask at once: 2 are served, 1 only after another's answer; a file is read after the first answer\n"
        "solution: 3 ask at once: 3 are served, none only after another's answer; "
        "a file is read before the first answer"
    )
    in_line, none = (queue({"a": calls}, {"a": calls[0].arrived}, title="A title") for calls in (line, herd))
    assert pixels(in_line, FLATLINE) > 5 * pixels(none, FLATLINE)


def test_a_queue_in_which_nobody_was_answered_is_refused():
    with pytest.raises(ValueError, match="no call was answered"):
        queue({"starter": [Answered(0.0, None, None)]}, {"starter": 0.0}, title="A title")


def test_a_chart_of_deliveries_says_how_often_each_was_posted_and_shows_which_answers_were_late():
    late = Delivered([Posted(5.0, 9.0), Posted(7.0, 9.1)])
    prompt = Delivered([Posted(6.0, 6.1)])
    chart = deliveries({"starter": {"Ana": late, "Ben": prompt}}, patience=2, title="A title")
    assert chart.text == "starter: Ana is posted twice · Ben is posted once"
    assert pixels(chart, FLATLINE) > 200
    chart = deliveries({"solution": {"Ben": prompt}}, patience=2, title="A title")
    assert pixels(chart, FLATLINE) == 0


def test_a_chart_of_deliveries_that_are_not_answered_is_refused():
    with pytest.raises(ValueError, match="Ana is not answered yet"):
        deliveries({"starter": {"Ana": Delivered([Posted(0.0, None)])}}, patience=2, title="A title")


def test_a_staircase_says_and_shows_how_many_connections_the_messages_opened():
    chart = staircase({"starter": [0, 3, 6], "solution": [0, 1, 1]}, title="A title")
    assert chart.text == "starter: 2 messages, 6 connections\nsolution: 2 messages, 1 connection"
    assert pixels(chart, FLATLINE) > 200
    assert pixels(chart, BEAT) > 200


def test_a_staircase_counts_from_what_was_open_before():
    assert staircase({"solution": [4, 4, 5]}, title="A title").text == "solution: 2 messages, 1 connection"


def test_a_staircase_without_a_message_is_refused():
    with pytest.raises(ValueError, match="no message was sent"):
        staircase({"starter": [0]}, title="A title")


def test_lanes_say_and_show_who_is_answered_before_the_moment():
    slow = Answered(0.0, 3.0)
    waits = lanes({"starter": {"Ana": [slow], "Ben": [Answered(0.5, 3.1)]}}, {"starter": 2.0}, title="A title")
    assert waits.text == "starter: 0 of 1 answers for Ben come before the dashed line"
    assert pixels(waits, FLATLINE) > 200
    quick = [Answered(5.5, 5.6), Answered(5.6, 5.7), Answered(7.5, 7.6)]
    goes_on = lanes({"solution": {"Ana": [Answered(5.0, 8.0)], "Ben": quick}}, {"solution": 7.0}, title="A title")
    assert goes_on.text == "solution: 2 of 2 answers for Ben come before the dashed line"
    assert pixels(goes_on, FLATLINE) == 0


def test_lanes_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no message was answered"):
        lanes({"starter": {"Ana": [Answered(0.0, None, None)]}}, {"starter": 1.0}, title="A title")


def test_a_growth_says_who_waits_longest_and_shows_every_service_and_the_limit():
    waits = {"starter": {1: 3.0, 20: 12.0}, "solution": {1: 2.9, 20: 3.1}}
    chart = growth(waits, {1: 2.8, 20: 2.8}, title="A title")
    assert chart.text == "with 20 callers, from the longest wait to the shortest: starter, solution"
    assert pixels(chart, FLATLINE) > 200
    assert pixels(chart, BEAT) > 200
    dashed = [line for line in chart.figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [list(line.get_ydata()) for line in dashed] == [[2.8, 2.8]]


def test_a_growth_rings_where_the_processor_is_full():
    chart = growth({"a": {1: 3.0, 200: 12.0}}, {1: 2.8, 200: 2.8}, full={"a": [200]}, title="A title")
    (rings,) = [line for line in chart.figure.axes[0].lines if line.get_fillstyle() == "none"]
    assert list(rings.get_xdata()) == [200]


def test_a_growth_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nobody has waited"):
        growth({"a": {}}, {1: 1.0}, title="A title")


def test_costs_are_ranked():
    chart = cost({"1.1": 3.5, "2.2": 9.0, "1.4": 5.0}, ("none", 3.4), unit="seconds", title="A title")
    assert chart.text == "from the dearest to the cheapest: 2.2, 1.4, 1.1"
    assert [bar.get_width() for bar in chart.figure.axes[0].patches] == [3.5, 5.0, 9.0]
    assert pixels(chart, FLATLINE) > 200


def test_costs_in_an_order_of_their_own_say_where_it_leads():
    chart = cost({"2 left": 9.0, "1 left": 5.0, "0 left": 3.0}, ("limit", 2.9), unit="s", title="A", ranked=False)
    assert chart.text == "from 2 left to 0 left: shorter"
    assert [bar.get_width() for bar in chart.figure.axes[0].patches] == [3.0, 5.0, 9.0]


def test_costs_of_nothing_are_refused():
    with pytest.raises(ValueError, match="nothing was measured"):
        cost({}, ("none", 1.0), unit="seconds", title="A title")
