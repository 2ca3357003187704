"""The books tell a reply that is missing from one that is late, and one too many from one that had to be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kata.load.mix import Kind
from kata.load.soak.ledger import Account, Books, accounts
from kata.load.soak.letters import Letter
from kata.load.soak.post import Attempt, Delivery, Outcome
from kata.load.soak.stage import Lost, Reply

ANSWERED, NOT_REPLIED, FAILED, HUNG_UP, BROKEN, UNREACHED = (
    Outcome.ANSWERED,
    Outcome.NOT_REPLIED,
    Outcome.FAILED,
    Outcome.HUNG_UP,
    Outcome.BROKEN,
    Outcome.UNREACHED,
)


def delivery(*outcomes: Outcome, number: int = 0, phone: str = "49", begun: float = 0.0) -> Delivery:
    attempts = [Attempt(begun + n, begun + n + 0.5, outcome) for n, outcome in enumerate(outcomes)]
    return Delivery(Letter(number, 0, begun, Kind.TEXT), phone, attempts)


def reply(at: float, *, number: int = 0, to: str = "49", words: str | None = None) -> Reply:
    said = f"You said: {Letter(number, 0, 0.0, Kind.TEXT).words}"
    return Reply(at, to, "text", said if words is None else words)


def account(sent: Delivery, replies: Sequence[Reply], lost: Sequence[Lost] = ()) -> Account:
    (only,) = accounts([sent], replies, lost)
    return only


def test_a_message_that_is_answered_once_is_in_order():
    only = account(delivery(ANSWERED), [reply(0.1)])
    assert (only.is_settled, only.is_unanswered, only.is_explained, only.astray, only.apologies) == (
        True,
        False,
        True,
        0,
        0,
    )


def test_a_message_that_was_settled_without_a_reply_is_unanswered():
    assert account(delivery(ANSWERED), []).is_unanswered


@pytest.mark.parametrize("outcomes", [(NOT_REPLIED,), (HUNG_UP,), (ANSWERED, NOT_REPLIED), ()])
def test_a_message_is_settled_by_200_at_last_and_by_nothing_else(outcomes):
    assert not delivery(*outcomes).is_settled


@pytest.mark.parametrize("outcomes", [(ANSWERED,), (NOT_REPLIED, ANSWERED), (UNREACHED, ANSWERED)])
def test_a_second_reply_is_not_explained_by_deliveries_that_are_known_to_be_without_one(outcomes):
    assert not account(delivery(*outcomes), [reply(0.1), reply(1.1)]).is_explained


@pytest.mark.parametrize("unknown", [HUNG_UP, BROKEN, FAILED])
def test_a_delivery_that_came_out_unknown_explains_one_more_reply_and_no_two(unknown):
    sent = delivery(unknown, ANSWERED)
    assert account(sent, [reply(0.1), reply(1.1)]).is_explained
    assert not account(sent, [reply(0.1), reply(1.1), reply(1.2)]).is_explained


def test_an_answer_that_got_lost_explains_one_more_reply():
    sent = delivery(NOT_REPLIED, ANSWERED)
    assert account(sent, [reply(0.1), reply(1.1)], [Lost(0.1, "49")]).is_explained
    assert not account(sent, [reply(0.1), reply(1.1)], [Lost(0.1, "50")]).is_explained


def test_a_reply_belongs_to_the_message_that_its_phone_sent_last():
    first, second = delivery(ANSWERED), delivery(ANSWERED, number=1, begun=2.0)
    one, other = accounts([second, first], [reply(0.1), reply(2.1, number=1), reply(2.2, number=1)], [])
    assert (one.mark, one.replies) == ("10000000", 1)
    assert (other.mark, other.replies, other.is_explained) == ("10000001", 2, False)


def test_a_reply_in_the_words_of_another_message_went_astray():
    assert account(delivery(ANSWERED), [reply(0.1, number=7)]).astray == 1


def test_a_reply_may_speak_of_earlier_messages_too():
    both = reply(0.1).words + reply(0.1, number=7).words
    assert account(delivery(ANSWERED), [reply(0.1, words=both)]).astray == 0


def test_words_without_a_mark_are_an_apology_and_no_words_are_a_voice():
    sent = delivery(ANSWERED)
    assert account(sent, [reply(0.1, words="I am sorry")]).apologies == 1
    assert account(sent, [reply(0.1, words="")]).apologies == 0


def test_the_books_name_what_is_wrong_and_count_what_is_not():
    sent = [
        delivery(ANSWERED, number=0, phone="1"),
        delivery(ANSWERED, number=1, phone="2"),
        delivery(HUNG_UP, ANSWERED, number=2, phone="3"),
        delivery(NOT_REPLIED, number=3, phone="4"),
    ]
    replies = [
        *(reply(0.1, number=1, to="2"), reply(0.2, number=1, to="2")),
        *(reply(0.1, number=2, to="3"), reply(1.1, number=2, to="3")),
        reply(0.1, to="nobody"),
    ]
    books = Books.of(sent, replies, [])
    assert (books.messages, books.deliveries, books.hung_up, books.not_replied) == (4, 5, 1, 1)
    assert (books.unanswered, books.unexplained, books.unsettled) == (
        ("10000000", "10000003"),
        ("10000001",),
        ("10000003",),
    )
    assert (books.again, books.strangers) == (1, 1)
