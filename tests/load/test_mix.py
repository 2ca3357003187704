"""What is sent is the same in every run, holds the whole mix, and has the limit that its providers set."""

from __future__ import annotations

from collections import Counter

import pytest

from kata.load.mix import LATENCY, MIXES, Interface, Kind, Message, calls, each_kind, plan


def test_a_plan_is_the_same_each_time():
    assert plan(20, 12) == plan(20, 12)


def test_a_plan_has_a_message_per_caller_and_interval_in_order_of_time():
    messages = plan(20, 12)
    assert len(messages) == 40
    assert [message.due for message in messages] == sorted(message.due for message in messages)
    assert all(0 <= message.due < 12 for message in messages)
    assert Counter(message.caller for message in messages) == dict.fromkeys(range(20), 2)


@pytest.mark.parametrize("interface", Interface)
def test_each_twenty_messages_hold_the_whole_mix(interface):
    messages = plan(20, 12, interface)
    for start in (0, 20):
        assert Counter(message.kind for message in messages[start : start + 20]) == MIXES[interface]


def test_even_one_caller_sends_something():
    assert len(plan(1, 0.5)) == 1


@pytest.mark.parametrize(("callers", "seconds"), [(0, 1), (1, 0)])
def test_a_plan_for_nobody_or_no_time_is_refused(callers, seconds):
    with pytest.raises(ValueError, match="at least one caller"):
        plan(callers, seconds)


def test_the_limit_is_what_the_calls_of_a_message_take_one_after_the_other():
    limits = {message.kind: round(message.limit, 2) for message in each_kind()}
    text = 3 * LATENCY["chat"] + 3 * LATENCY["embeddings"] + LATENCY["whatsapp"]
    assert limits[Kind.TEXT] == round(text, 2)
    assert limits[Kind.VOICE] == round(text + 2 * LATENCY["whatsapp"] + LATENCY["hearing"], 2)
    assert limits[Kind.REFUSED] == round(limits[Kind.VOICE] + LATENCY["hearing"] + 1.0, 2)  # and the pause
    assert all(set(calls(kind)) == set(LATENCY) for kind in Kind)


def test_whatsapp_is_not_on_the_way_of_a_message_to_the_chat_page():
    limits = {message.kind: round(message.limit, 2) for message in each_kind(Interface.CHAINLIT)}
    text = 3 * LATENCY["chat"] + 3 * LATENCY["embeddings"]
    assert limits == {Kind.TEXT: round(text, 2), Kind.PICTURE: round(text + LATENCY["chat"], 2)}


def test_messages_of_a_caller_say_something_new_each_time():
    said = {Message(number, 0, 0.0, Kind.TEXT).words for number in range(20)}
    assert len(said) == 20
