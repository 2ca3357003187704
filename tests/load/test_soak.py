"""A short soak of the solution keeps its claims, and packages with planted faults break each of them."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpcore
import httpx
import pytest

from kata.audit import project_root
from kata.gallery import Change
from kata.load.bench import Candidate, put_back
from kata.load.group import at_once
from kata.load.holdings import Holdings, held
from kata.load.machine import Machine
from kata.load.service import PACKAGE
from kata.load.soak.examination import Examination
from kata.load.soak.record import BLOCKS, MARGIN, SPARE, Calm, Record, claims
from kata.load.soak.report import table, write
from kata.load.soak.soak import soak
from kata.load.soak.troubles import ROUND, SHORTEST

SECONDS = SHORTEST * len(ROUND)
SOLUTION = Candidate("solution", project_root() / "solution")
PLANTED = tomllib.loads(Path(__file__).with_name("planted.toml").read_text(encoding="utf-8"))
"""Changes to the solution, by the name of the package that they make."""


async def soaked(folder: Path) -> list[Record]:
    works = [soak(SOLUTION, SECONDS, folder / "solution")]
    for name, changes in PLANTED.items():
        put_back(SOLUTION, folder / f"{name}'s")
        package = folder / f"{name}'s" / PACKAGE
        for change in changes:
            Change(**change).apply(package)
        works.append(soak(Candidate(name, package), SECONDS, folder / name, settling=1.0))
    return await at_once(*works)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Record]:
    soaks = asyncio.run(soaked(tmp_path_factory.mktemp("soak")))
    return {record.service: record for record in soaks}


def broken(record: Record) -> set[str]:
    return {claim.text for claim in claims(record) if not claim.holds}


@pytest.mark.slow
def test_the_solution_keeps_to_every_claim(records):
    assert broken(records["solution"]) == set(), table([records["solution"]], Machine.here())


@pytest.mark.slow
def test_all_kinds_of_trouble_were_there(records):
    solution = records["solution"]
    assert all(solution.calls.values()), solution.calls
    assert solution.books.hung_up
    assert solution.books.not_replied
    assert solution.books.lost
    assert solution.books.again
    assert solution.books.cut_off, "the restart cut nobody off"


@pytest.mark.slow
def test_what_is_planted_is_found_and_nothing_else(records):
    assert broken(records["careless"]) == {
        "every message arrives, and is answered",
        "none is answered twice without need, or with another's reply",
        "a message is answered with 200, or with the news that the reply was not taken",
        "the breaker opens, and then lets nobody through",
        "one call is the probe, and nobody waits for it",
        "no task, thread, file, socket or temporary file is left over",
        "its memory stays flat",
    }
    assert broken(records["tired"]) == {
        "the breaker closes again",
        "after each round all is well again",
        "it ends by itself when it is told to",
    }


@pytest.mark.slow
def test_every_claim_was_broken_by_something_planted(records):
    found = broken(records["careless"]) | broken(records["tired"])
    assert found == {claim.text for claim in claims(records["solution"])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sort", "name"),
    [
        ("tasks", "Event.wait"),
        ("threads", "planted"),
        ("files", "planted"),
        ("stray", "planted"),
        ("sockets", "whatsapp (established)"),
    ],
)
def test_what_is_left_over_is_told_by_its_sort(records, sort, name):
    (*_, last) = records["careless"].calms
    assert any(left.startswith(name) for left in last.left[sort])


@pytest.mark.slow
def test_nothing_runs_when_the_soak_is_over(records, running):
    assert running() == []


HOLDINGS = Holdings({"Server.serve": 1}, {"MainThread": 1}, 2, {"groq (established)": 5}, ("memory.db",), (), 2**27, 0)


def test_more_of_the_same_is_left_over_and_less_is_not():
    later = replace(
        HOLDINGS,
        tasks={"Server.serve": 1, "late": 2},
        sockets={"groq (established)": 4, "groq (close wait)": 1},
        files=(),
        stray=("half.ogg",),
        pool=6,
    )
    assert later.more_than(HOLDINGS) == {
        "tasks": ["late", "late"],
        "sockets": ["groq (close wait)"],
        "stray": ["half.ogg"],
    }
    assert HOLDINGS.more_than(HOLDINGS) == {}


def test_a_socket_is_left_over_unless_it_is_an_orphans():
    sockets = {"groq (established)": 6, "images (close wait)": 1, "a caller (close wait)": 1}
    later = replace(HOLDINGS, sockets=sockets)
    everything = ["a caller (close wait)", "groq (established)", "images (close wait)"]
    assert later.more_than(HOLDINGS)["sockets"] == everything
    assert replace(later, orphans=1).more_than(HOLDINGS, given_up=9)["sockets"] == everything[:2]
    assert replace(later, orphans=9).more_than(HOLDINGS, given_up=9)["sockets"] == everything[:1]


def test_there_are_no_more_orphans_than_calls_that_were_given_up():
    later = replace(HOLDINGS, sockets={"groq (close wait)": 3}, orphans=3)
    assert later.more_than(HOLDINGS, given_up=2) == {"sockets": ["groq (close wait)"]}


async def test_an_orphan_is_told_from_a_connection_that_is_used_again(everybody):
    async with httpx.AsyncClient(base_url=everybody.groq.base_url, verify=False) as client:
        await client.get("/openai/v1/models")
        assert held(asyncio.get_running_loop())["orphans"] == 0
        async with client.stream("GET", "/openai/v1/models"):
            assert held(asyncio.get_running_loop())["orphans"] == 1
        orphan = httpcore.AsyncHTTPConnection(httpcore.URL("http://127.0.0.1").origin)
        assert orphan.info() == "CONNECTING"
        assert held(asyncio.get_running_loop())["orphans"] == 1


GOOD = Examination(3, 0, 0, 1, 3, 4)


@pytest.mark.parametrize(
    ("seen", "holds"),
    [
        (GOOD, (True, True, True)),
        (replace(GOOD, while_closed=2), (False, True, True)),
        (replace(GOOD, while_open=1), (False, True, True)),
        (replace(GOOD, while_open=1, allowed=1), (True, True, True)),
        (replace(GOOD, probing=2), (True, False, True)),
        (replace(GOOD, probing=0), (True, False, True)),
        (replace(GOOD, answered_meanwhile=2), (True, False, True)),
        (replace(GOOD, while_closed_again=1), (True, True, False)),
    ],
)
def test_a_breaker_is_judged_by_counts(seen, holds):
    assert (seen.opened, seen.probed_once, seen.closed) == holds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "is_flat"),
    [
        ({"memory": HOLDINGS.memory + MARGIN}, True),
        ({"memory": HOLDINGS.memory + MARGIN + 1}, False),
        ({"blocks": HOLDINGS.blocks + SPARE + 10 * BLOCKS}, True),
        ({"blocks": HOLDINGS.blocks + SPARE + 10 * BLOCKS + 1}, False),
    ],
)
def test_memory_is_flat_within_a_margin(records, change, is_flat):
    calms = [Calm(10, HOLDINGS), Calm(20, replace(HOLDINGS, **change))]
    record = replace(records["solution"], calms=calms)
    assert ("its memory stays flat" not in broken(record)) == is_flat


@pytest.mark.slow
def test_more_threads_than_the_pool_may_have_are_left_over(records):
    solution = records["solution"]
    calms = [replace(calm, holdings=replace(calm.holdings, pool=solution.pool + 1)) for calm in solution.calms]
    assert broken(replace(solution, calms=calms)) == {"no task, thread, file, socket or temporary file is left over"}


@pytest.mark.slow
def test_the_table_has_both_side_by_side(records):
    said = table([records["careless"], records["solution"]], Machine.here())
    assert said.splitlines()[0].split() == ["careless", "solution"]
    assert "every message arrives, and is answered\n  ✗ careless" in said
    assert "\n  ✓ solution" in said


@pytest.mark.slow
def test_a_record_is_kept_whole(records, tmp_path):
    write(list(records.values()), Machine.here(), tmp_path / "records.json")
    stored = json.loads((tmp_path / "records.json").read_text(encoding="utf-8"))
    kept = {record["service"]: record for record in stored["records"]}
    assert kept.keys() == records.keys()
    for name, record in records.items():
        assert {claim["text"] for claim in kept[name]["claims"] if not claim["holds"]} == broken(record)
        assert kept[name]["books"]["messages"] == record.books.messages
        assert kept[name]["calms"][-1]["holdings"]["sockets"] == record.calms[-1].holdings.sockets
