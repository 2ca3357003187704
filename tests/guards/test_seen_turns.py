"""What the audit says of the gallery: nothing of what is right, and of what is wrong what is written down."""

from __future__ import annotations

import pytest
import seen_turns

pytestmark = pytest.mark.slow  # a package for each turn


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    return seen_turns.seen(tmp_path_factory.mktemp("turns"))


def test_right_turns_are_not_complained_about(seen):
    complaints = {turn: rules for turn, (verdict, rules) in seen.items() if verdict == "fixed" and rules}
    assert complaints == {}


def test_what_is_seen_of_each_turn_is_written_down(seen):
    assert seen == seen_turns.stored(), "run `uv run python tests/guards/seen_turns.py`, and look at what it changes"


def test_some_wrong_turns_are_seen_and_some_are_not(seen):
    wrong = [bool(rules) for verdict, rules in seen.values() if verdict != "fixed"]
    assert any(wrong)
    assert not all(wrong)
