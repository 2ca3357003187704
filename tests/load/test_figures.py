"""Figures are made of what was due, what was sent, and what the providers saw."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import unescape

import pytest

from kata.load.callers import Drive, Sent, number_of
from kata.load.figures import P50, P95, P99, Figures, quantile
from kata.load.gauge import Taken
from kata.load.mix import LATENCY, Interface, Kind, Message
from kata.load.report import PARTS, Report, recorded, table
from kata.load.world import Seen

MESSAGES = [Message(0, 0, 0.0, Kind.TEXT), Message(1, 1, 1.0, Kind.SPOKEN)]
TAKEN = Taken(seconds=10.0, cpu=1.0, beside=0.5, others=0.1, memory=2**20, threads=5)


def figures(*, second: Sent | None = None, kinds: tuple[str, str] = ("text", "audio"), cpu: float = 1.0) -> Figures:
    replies = [(number_of(message, 1), kind) for message, kind in zip(MESSAGES, kinds, strict=True)]
    driven = Drive(
        (Sent(0.0, 0.0, 2.0, 200), second or Sent(1.0, 1.1, 4.0, 200)), (Sent(0.0, 0.0, 0.01, 200),) * 3, ended=5.0
    )
    seen = Seen(connections=3, calls=dict.fromkeys(LATENCY, 1), peak_in_flight=2, replies=())
    taken = replace(TAKEN, cpu=cpu)
    return Figures.of("a service", 2, MESSAGES, driven, seen, replies, taken, round=1, workers=1)


def report_of(figures: Figures, interface: Interface = Interface.WHATSAPP) -> Report:
    return Report(recorded().machine, "asyncio", 1, 0.0, interface, [figures])


def test_quantiles_are_values_that_were_seen():
    assert [quantile([4, 1, 3, 2], share) for share in (P50, P95, P99)] == [2, 4, 4]
    assert quantile(range(1, 101), P95) == 95
    assert math.isnan(quantile([], P50))


def test_latency_counts_from_when_a_message_was_due_and_not_from_when_it_was_sent():
    assert figures().latency == {P50: 2.0, P95: 3.0, P99: 3.0}


def test_a_message_without_an_answer_counts_until_the_end():
    silent = figures(second=Sent(1.0, 1.0, None, None))
    assert (silent.answered, silent.latency[P95]) == (1, 4.0)


def test_a_reply_of_another_type_than_was_due_is_none():
    assert figures().replies == 2
    assert figures(kinds=("text", "text")).replies == 1


def test_the_limit_is_that_of_the_same_messages():
    assert figures().limit[P95] == MESSAGES[1].limit
    assert figures().times_the_limit == 3.0 / MESSAGES[1].limit


@pytest.mark.parametrize(("cpu", "is_full"), [(1.0, False), (9.0, True)])
def test_a_full_processor_is_told(cpu, is_full):
    assert figures(cpu=cpu).is_processor_full == is_full


def test_callers_that_were_late_themselves_are_told():
    assert not figures().is_disturbed
    late = figures(second=Sent(1.0, 2.0, 4.0, 200))
    assert late.is_disturbed
    assert "measure again" in table(report_of(late))


@pytest.mark.parametrize(
    ("interface", "server"), [("whatsapp", "uvicorn with asyncio, 1 worker"), ("chainlit", "Chainlit")]
)
def test_a_table_says_who_served(interface, server):
    assert f"\n{server}" in table(report_of(figures(), Interface(interface)))


def test_figures_are_the_same_when_they_are_read_again():
    assert Figures.from_dict(figures().as_dict()) == figures()


def test_the_bench_that_is_kept_is_complete_and_was_not_disturbed():
    record = recorded()
    assert record.services == ["starter", "solution"]
    assert all(getattr(record, part) for part in PARTS)
    assert not any(each.is_disturbed for part in PARTS for each in getattr(record, part) if each.callers <= 20)


def test_a_report_says_the_same_in_html_as_in_text():
    shown = recorded()._repr_html_()
    assert unescape(re.sub(r"<[^>]*>", " ", shown)).split() == repr(recorded()).split()


def test_a_name_in_a_report_is_no_html():
    report = Report(
        recorded().machine, "asyncio", 1, 0.0, Interface.WHATSAPP, [replace(figures(), service="<b>mine</b>")]
    )
    assert "&lt;b&gt;mine&lt;/b&gt;" in report._repr_html_()
    assert "<b>" not in report._repr_html_()
