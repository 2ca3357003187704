"""A loop's beats as health checks feel them."""

from __future__ import annotations

from kata.instruments.charts import ecg
from kata.load.rhythm import Rhythm

STEADY = [0.01] * 30
STOOD = [0.01] * 10 + [2.05 - n / 10 for n in range(10, 20)] + [0.01] * 10
"""Nothing is answered from the first second to the second."""


def test_a_loop_that_answers_each_check_has_no_silence():
    assert Rhythm.of(STEADY).silences() == []


def test_a_loop_that_stands_has_one_silence_from_the_last_answer_to_the_next():
    ((start, end),) = Rhythm.of(STOOD).silences()
    assert (round(start, 2), round(end, 2)) == (0.91, 2.01)
    assert Rhythm.of(STOOD).silent == end - start


def test_a_single_late_answer_is_no_silence():
    assert Rhythm.of([0.01, 0.3, *STEADY]).silences() == []


def test_a_check_that_never_was_answered_is_silence_until_the_end():
    assert Rhythm.of([0.01, 5.0]).silences() == [(0.01, 5.1)]


def test_it_is_drawn_as_a_pulse_is():
    chart = ecg({"starter": Rhythm.of(STOOD), "solution": Rhythm.of(STEADY)}, {}, title="A title")
    assert chart.text == "starter: the loop stands still\nsolution: the loop beats on"


def test_about_one_answer_comes_for_each_check_while_the_loop_turns():
    assert round(Rhythm.of(STEADY).share_alive(0, 2)) == 1
    assert Rhythm.of(STOOD).share_alive(1.0, 2.0) == 0
