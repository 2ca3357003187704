"""The audit on the calls that the pulse is tried on: no call that lets the loop turn is complained about."""

from __future__ import annotations

import ast

import pytest

from kata.audit import project_root
from kata.guards import audit_code

BENCH = project_root() / "tests" / "instruments" / "bench_of_calls.py"

BLIND_SPOTS = {
    "groq_called_on_the_loop": "a client that comes from elsewhere, of a type that only a run knows",
    "stream_joined_on_the_loop": "the same",
    "queue_of_a_thread_read": "a queue's get reads like a dictionary's",
    "lock_of_a_thread_waited_for": "a lock's acquire reads like any other",
    "sum_computed_on_the_loop": "nothing is waited for: it is computed",
}
"""What the audit does not see, and why it cannot; a pulse does."""


@pytest.fixture(scope="module")
def seen():
    return {issue.qualname for issue in audit_code(BENCH).issues}


def calls(mark):
    for node in ast.parse(BENCH.read_text(encoding="utf-8")).body:
        if mark in [getattr(each, "id", "") for each in getattr(node, "decorator_list", [])]:
            yield node.name


def test_what_lets_the_loop_turn_is_left_alone(seen):
    assert seen & {*calls("turning")} == set()


def test_what_blocks_is_seen_but_for_the_blind_spots(seen):
    assert {*calls("blocking")} - seen == {*BLIND_SPOTS}
