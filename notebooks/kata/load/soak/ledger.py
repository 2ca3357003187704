"""The account of each message: how often it was delivered, and how often it was answered.

What a webhook can promise: the companion keeps no record of messages that it has seen, so each delivery is a message to
it, and gets a reply of its own. Where a delivery came out unknown (WhatsApp hung up, or the service was stopped), or
WhatsApp's answer to a reply got lost after it was taken, the message is delivered again, and may be answered again: no
sender and receiver can agree on more than that. Such second answers are counted apart. What must not be: a message that
was settled without a reply, or with more replies than that explains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kata.load.soak.letters import marks_in
from kata.load.soak.post import UNKNOWN, Delivery, Outcome
from kata.load.soak.stage import Lost, Reply


@dataclass(frozen=True)
class Account:
    """One message.

    Attributes:
        mark: Which one.
        is_settled: Whether a delivery was answered with 200 in the end.
        replies: How often it was answered.
        astray: How many of these replies speak of other messages, and not of this one.
        apologies: How many speak of no message, although they have words.
        lost: How often the companion was not told that a reply had been taken.
        unknown: Deliveries that came out unknown.
    """

    mark: str
    is_settled: bool
    replies: int
    astray: int
    apologies: int
    lost: int
    unknown: int

    @property
    def is_unanswered(self) -> bool:
        """Whether it got no reply, although all is said and done."""
        return self.replies == 0

    @property
    def is_explained(self) -> bool:
        """Whether no reply is there that need not be."""
        return self.replies <= 1 + self.lost + self.unknown


def accounts(deliveries: Iterable[Delivery], replies: Sequence[Reply], lost: Sequence[Lost]) -> list[Account]:
    """The account of each message that was delivered, in the order in which they were.

    A reply is for the message that its receiver's phone had sent last.
    """
    said, gone = _by_phone(replies), _by_phone(lost)
    of_phone: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in sorted(deliveries, key=_begun):
        of_phone[delivery.phone].append(delivery)
    made = {}
    for phone, sent in of_phone.items():
        ends = [*map(_begun, sent[1:]), float("inf")]
        for delivery, end in zip(sent, ends, strict=True):
            begun = _begun(delivery)
            mine = [reply for reply in said.get(phone, ()) if begun <= reply.at < end]
            missed = sum(begun <= each.at < end for each in gone.get(phone, ()))
            made[delivery.letter.mark] = _account(delivery, mine, missed)
    return list(made.values())


def _account(delivery: Delivery, replies: Sequence[Reply], lost: int) -> Account:
    mark = delivery.letter.mark
    spoken_of = [marks_in(reply.words) for reply in replies]
    return Account(
        mark=mark,
        is_settled=delivery.is_settled,
        replies=len(replies),
        astray=sum(bool(marks) and mark not in marks for marks in spoken_of),
        apologies=sum(bool(reply.words) and not marks for reply, marks in zip(replies, spoken_of, strict=True)),
        lost=lost,
        unknown=delivery.count(*UNKNOWN),
    )


@dataclass(frozen=True)
class Books:
    """All accounts, summed up.

    Attributes:
        messages: How many there were.
        deliveries: How often they were delivered, all together.
        not_replied: Deliveries that were answered with the news that the reply was not taken.
        hung_up: Deliveries that WhatsApp hung up.
        cut_off: Deliveries whose connection broke, or which were answered with something else.
        unsettled: Marks of messages that were never answered with 200.
        unanswered: Marks of messages that got no reply.
        unexplained: Marks of messages with more replies than their deliveries explain.
        astray: Marks of messages with a reply that was for another.
        strangers: Replies to phones that had sent nothing.
        again: Replies beyond the first one of each message, all of them explained.
        lost: How often WhatsApp's answer to a reply got lost after it was taken.
        apologies: Replies with words that speak of no message.
    """

    messages: int
    deliveries: int
    not_replied: int
    hung_up: int
    cut_off: int
    unsettled: tuple[str, ...]
    unanswered: tuple[str, ...]
    unexplained: tuple[str, ...]
    astray: tuple[str, ...]
    strangers: int
    again: int
    lost: int
    apologies: int

    @classmethod
    def of(cls, deliveries: Sequence[Delivery], replies: Sequence[Reply], lost: Sequence[Lost]) -> Books:
        """The books of all that was delivered, and of what was sent out meanwhile."""
        all_of_them = accounts(deliveries, replies, lost)
        phones = {delivery.phone for delivery in deliveries}
        outcomes = {outcome: sum(delivery.count(outcome) for delivery in deliveries) for outcome in Outcome}
        explained = [each for each in all_of_them if each.is_explained]
        return cls(
            messages=len(all_of_them),
            deliveries=sum(outcomes.values()),
            not_replied=outcomes[Outcome.NOT_REPLIED],
            hung_up=outcomes[Outcome.HUNG_UP],
            cut_off=outcomes[Outcome.BROKEN] + outcomes[Outcome.FAILED],
            unsettled=tuple(each.mark for each in all_of_them if not each.is_settled),
            unanswered=tuple(each.mark for each in all_of_them if each.is_unanswered),
            unexplained=tuple(each.mark for each in all_of_them if not each.is_explained),
            astray=tuple(each.mark for each in all_of_them if each.astray),
            strangers=sum(reply.to not in phones for reply in replies),
            again=sum(max(0, each.replies - 1) for each in explained),
            lost=sum(each.lost for each in all_of_them),
            apologies=sum(each.apologies for each in all_of_them),
        )


class _Addressed(Protocol):
    @property
    def to(self) -> str: ...


def _begun(delivery: Delivery) -> float:
    return delivery.attempts[0].posted


def _by_phone(said: Iterable[_Addressed]) -> Mapping[str, list]:
    of: defaultdict[str, list] = defaultdict(list)
    for each in said:
        of[each.to].append(each)
    return of
