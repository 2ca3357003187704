"""A small bench of the real services: everything is counted, nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import psutil
import pytest
from click.testing import CliRunner

from kata.audit import audit, project_root
from kata.cli import main
from kata.load.bench import (
    BenchFailed,
    Candidate,
    Schedule,
    from_nine_to_none,
    has_uvloop,
    measure,
    on_the_chat_page,
    put_back,
    with_each_finding,
)
from kata.load.figures import Figures
from kata.load.machine import Machine
from kata.load.mix import Interface
from kata.load.report import PARTS, BadReport, Report, table

ROOT = project_root()
SOLUTION = Candidate("solution", ROOT / "solution")
SMALL = Schedule((20,), seconds=1, patience=60)


@pytest.fixture(scope="module")
def report() -> Report:
    loop = "uvloop" if has_uvloop() else "asyncio"
    candidates = [Candidate("starter", ROOT / "starter", loop=loop), replace(SOLUTION, workers=2)]
    return Report(Machine.here(), "asyncio", 1, 0.0, Interface.WHATSAPP, asyncio.run(measure(candidates, SMALL)))


@pytest.mark.slow
def test_every_message_that_is_due_is_sent_and_answered_once(report):
    assert report.services == ["starter", "solution"]
    assert [(each.sent, each.answered, each.replies) for each in report.rounds] == [(3, 3, 3), (3, 3, 3)]


@pytest.mark.slow
def test_the_providers_get_the_calls_that_the_limit_is_made_of(report):
    for figures in report.rounds:
        assert dict(figures.calls) == dict(figures.owed), figures.service


@pytest.mark.slow
def test_nothing_of_a_bench_is_left_when_it_is_over(report, running):
    assert running() == []


@pytest.mark.slow
def test_a_report_is_the_same_when_it_is_read_again(report, tmp_path):
    report.write(tmp_path / "report.json")
    written = (tmp_path / "report.json").read_text(encoding="utf-8")
    again = Report.read(written)
    again.write(tmp_path / "again.json")
    assert Report.read((tmp_path / "again.json").read_text(encoding="utf-8")) == again
    assert table(again).splitlines()[0] == table(report).splitlines()[0]
    stored = json.loads(written)
    assert set(stored) == {"version", "machine", "settings", *PARTS}
    assert set(stored["rounds"][0]["latency"]) == {"p50", "p95", "p99"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 0}', '{"version": 1, "machine": {}}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(BadReport):
        Report.read(text)


@pytest.mark.slow
async def test_a_service_that_does_not_start_is_told_with_its_last_words(tmp_path, running):
    broken = shutil.copytree(ROOT / "solution", tmp_path / "mine")
    (broken / "settings.py").write_text("half a th(ought", encoding="utf-8")
    with pytest.raises(BenchFailed, match=r"(?s)mine has ended.*SyntaxError"):
        await measure([Candidate("mine", broken)], SMALL)
    assert running() == []


@pytest.fixture(scope="module")
def pages() -> Sequence[Figures]:
    solution, put_back = on_the_chat_page(SOLUTION)
    return asyncio.run(measure([solution, replace(put_back, slow=0.0)], Schedule((20,), seconds=2, patience=60)))


@pytest.mark.slow
def test_every_message_to_the_chat_page_is_answered_with_what_it_asked(pages):
    assert [(each.service, each.sent, each.answered, each.replies) for each in pages] == [
        ("solution", 7, 7, 7),
        ("1.2", 7, 7, 7),
    ]


@pytest.mark.slow
def test_the_providers_get_the_calls_that_the_limit_of_a_chat_page_is_made_of(pages):
    for figures in pages:
        assert dict(figures.calls) == dict(figures.owed), figures.service
        assert figures.calls["whatsapp"] == 0


@pytest.mark.slow
def test_nothing_of_a_chat_page_is_left_when_its_bench_is_over(pages, running):
    assert running() == []


@pytest.mark.slow
async def test_a_chat_page_that_does_not_start_is_told_with_its_last_words(tmp_path, running):
    broken = shutil.copytree(ROOT / "solution", tmp_path / "mine")
    (broken / "settings.py").write_text("half a th(ought", encoding="utf-8")
    with pytest.raises(BenchFailed, match=r"(?s)mine has ended.*SyntaxError"):
        await measure([Candidate("mine", broken, interface=Interface.CHAINLIT)], SMALL)
    assert running() == []


def test_the_ladder_leads_from_nine_findings_to_none():
    steps = from_nine_to_none(SOLUTION)
    assert [step.name for step in steps] == [f"{left} left" for left in range(9, -1, -1)]
    assert sorted(steps[0].back) == [finding.id for finding in audit().findings]
    assert all(set(after.back) < set(before.back) for before, after in pairwise(steps))


def test_all_findings_put_back_at_once_make_the_starter_but_for_what_the_report_overlooked(tmp_path):
    put_back(from_nine_to_none(SOLUTION)[0], tmp_path)
    overlooked = {location.path for entry in audit().beyond for location in entry.where}
    for file in (ROOT / "starter").rglob("*.py"):
        name = file.relative_to(ROOT / "starter").as_posix()
        if name not in overlooked:
            assert (tmp_path / "companion" / name).read_text() == file.read_text(), name


def test_each_finding_is_put_back_alone():
    assert [step.back for step in with_each_finding(SOLUTION)] == [(finding.id,) for finding in audit().findings]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--callers", "many"], "numbers between commas"),
        (["--callers", "0"], "from 1 to"),
        (["--callers", "5,5"], "each of them once"),
        (["--package", "gone"], "no package folder 'gone'"),
        (["--complete", "--workers", "2"], "leave out --uvloop, --workers and --chat-page"),
        (["--complete", "--chat-page"], "leave out --uvloop, --workers and --chat-page"),
        (["--chat-page", "--workers", "2"], "in one process"),
        (["--workers", "2", "--slow-disk", "5"], "in one process only"),
        (["--json", "gone/report.json"], "no folder gone"),
        (["--quick", "--callers", "5", "--picture", "ecg.png"], "have 20 among them"),
    ],
)
def test_a_wrong_call_is_told_before_anything_starts(options, said):
    result = CliRunner().invoke(main, ["bench", *options])
    assert (result.exit_code, said in result.output) == (2, True), result.output


def processes_of(bench: subprocess.Popen[str]) -> list[psutil.Process]:
    """What a bench has started, once it has started all of it: the providers and the service of two packages."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = psutil.Process(bench.pid).children(recursive=True)
        if len(children) >= 4:
            return children
        time.sleep(0.05)
    raise TimeoutError("the bench has not started its services within a minute")


@pytest.fixture
def bench(kata, request) -> Iterator[subprocess.Popen[str]]:
    command = kata("bench", "--callers", "2", *request.param)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield process
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
@pytest.mark.parametrize(
    ("bench", "how"),
    [((), "SIGINT"), ((), "SIGKILL"), (("--chat-page",), "SIGINT"), (("--chat-page",), "SIGKILL")],
    indirect=["bench"],
)
def test_a_bench_leaves_nothing_behind_after(bench, how):
    started = processes_of(bench)
    bench.send_signal(getattr(signal, how))
    bench.communicate(timeout=60)
    _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []
