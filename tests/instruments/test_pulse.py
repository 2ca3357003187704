"""The pulse judges right: on a bench of functions that block and do not, on every loop, and says whose line it was."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import bench_of_calls as bench
import httpx
import pytest

from kata.instruments import disk
from kata.instruments.culprit import Scope
from kata.instruments.disk import slow_disk, stalled_disk
from kata.instruments.pulse import Kind, LoopBlocked, Pulse
from kata.instruments.standins import providers

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("KATA_BENCH_ROUNDS", "1"))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[bench.Place]:
    file = tmp_path / "a file"
    file.write_bytes(b"x" * 100_000)
    with providers("groq", "elevenlabs") as world:
        key = {"authorization": "Bearer a-key"}
        async with httpx.AsyncClient(headers=key) as async_client:
            with httpx.Client(headers=key) as sync_client:
                urls = world.groq.base_url, world.elevenlabs.base_url
                yield bench.Place(tmp_path, file, *urls, async_client, sync_client)


@pytest.mark.parametrize("function", bench.BLOCKING, ids=lambda function: function.__name__)
async def test_a_blocking_call_is_a_flatline_with_its_line(place, function):
    for _ in range(ROUNDS):
        async with Pulse(HERE, folders=[place.folder]) as pulse:
            await function(place)
        assert pulse.flatlines
        culprit = pulse.flatlines[0].culprit
        assert (culprit.file, culprit.function) == ("instruments/bench_of_calls.py", function.__name__)
        assert culprit.source


@pytest.mark.parametrize("function", bench.TURNING, ids=lambda function: function.__name__)
async def test_a_call_that_gives_way_is_none(place, function):
    for _ in range(ROUNDS):
        async with Pulse(HERE, folders=[place.folder]) as pulse:
            await function(place)
        assert not pulse.flatlines, pulse.flatlines[0]


async def test_check_raises_the_first_flatline_with_its_culprit(place):
    async with Pulse(HERE) as pulse:
        await bench.sleep_on_the_loop(place)
    with pytest.raises(
        LoopBlocked, match=r"while it slept: time.sleep at .*in sleep_on_the_loop: time.sleep"
    ) as raised:
        pulse.check(doing="while it slept")
    assert raised.value.culprit.source == "time.sleep(SHORT)"


async def test_check_looks_only_at_the_kinds_it_is_asked_for(place):
    async with Pulse(HERE) as pulse:
        await bench.sleep_on_the_loop(place)
    pulse.check(Kind.DISK, Kind.NETWORK)
    with pytest.raises(LoopBlocked):
        pulse.check(Kind.WAITING)


async def test_code_outside_the_package_is_not_judged(tmp_path):
    async with Pulse(tmp_path) as pulse:
        time.sleep(0.01)
    assert not pulse.flatlines


async def test_callers_own_code_is_judged_where_no_package_is_named():
    async with Pulse() as pulse:
        time.sleep(0.01)
    assert pulse.flatlines[0].culprit.source == "time.sleep(0.01)"


async def test_a_held_answer_that_the_loop_waits_for_is_a_flatline(place):
    with providers("groq") as world:
        place.sync_groq.base_url = f"{world.groq.base_url}/"
        async with Pulse(HERE) as pulse:
            with world.groq.hold(pulse, limit=0.3):
                await bench.groq_called_on_the_loop(place)
        assert world.groq.journal[0].held_out
    assert any("groq" in flatline.operation.lower() for flatline in pulse.flatlines)


async def test_a_held_answer_that_is_awaited_comes_after_two_beats(place):
    with providers("groq") as world:
        place.async_groq.base_url = f"{world.groq.base_url}/"
        async with Pulse(HERE) as pulse:
            with world.groq.hold(pulse):
                await bench.groq_awaited(place)
        (call,) = world.groq.journal
    assert not call.held_out
    assert pulse.beats_between(call.arrived, call.answered) >= 2
    assert not pulse.flatlines


async def test_the_share_alive_tells_a_standing_loop_from_a_turning_one(place):
    async with Pulse(HERE) as pulse:
        begun = time.perf_counter()
        await bench.event_of_a_thread_waited_for(place)
        stood = time.perf_counter()
        await bench.sleep_in_a_thread(place)
        turned = time.perf_counter()
    assert pulse.share_alive(begun, stood) < 0.25 < pulse.share_alive(stood, turned)
    with pytest.raises(LoopBlocked, match="between"):
        pulse.check_between(begun, stood, "between two attempts")
    pulse.check_between(stood, turned, "between two attempts")


async def test_two_pulses_on_one_loop_see_the_same(place):
    async with Pulse(HERE) as outer, Pulse(HERE) as inner:
        await bench.file_read_on_the_loop(place)
    assert [f.operation for f in outer.flatlines] == [f.operation for f in inner.flatlines] != []


async def test_another_threads_loop_is_not_ours(place):
    async with Pulse(HERE) as pulse:
        await asyncio.to_thread(asyncio.run, bench.sleep_on_the_loop(place))
    assert not pulse.flatlines


async def test_nothing_is_left_when_a_pulse_has_ended(place):
    sleep, read = time.sleep, os.read
    with pytest.raises(ZeroDivisionError):
        async with Pulse(HERE):
            assert time.sleep is not sleep
            raise ZeroDivisionError
    assert (time.sleep, os.read) == (sleep, read)
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "pulse"]
    assert not disk._watchers


async def test_the_metronome_ends_with_its_pulse():
    async with Pulse() as pulse:
        assert pulse._metronome.is_alive()
    await asyncio.to_thread(pulse._metronome.join, 10)
    assert not pulse._metronome.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop has no Windows version")
def test_the_pulse_is_taken_under_uvloop(tmp_path):
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")
    file = tmp_path / "a file"
    file.write_bytes(b"x")

    async def take() -> Pulse:
        async with Pulse(HERE) as pulse:
            await bench.sleep_in_a_thread(None)
            assert not pulse.flatlines
            time.sleep(0.01)
            file.read_bytes()
        return pulse

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        kinds = {flatline.kind for flatline in runner.run(take()).flatlines}
    assert kinds == {Kind.WAITING, Kind.DISK}


def test_a_pulse_is_bound_to_no_loop(tmp_path):
    async def take() -> int:
        async with Pulse(tmp_path) as pulse:
            await asyncio.sleep(0.02)
        return pulse.beats

    assert asyncio.run(take()) > 1
    assert asyncio.run(take()) > 1


@pytest.mark.parametrize("interval", [0, -1])
def test_an_interval_that_is_not_positive_is_refused(interval):
    with pytest.raises(ValueError, match="interval must be positive"):
        Pulse(interval=interval)


def test_a_module_without_a_folder_is_refused():
    with pytest.raises(ValueError, match="is not a package"):
        Pulse(time)


def test_the_scope_without_a_package_is_neither_library_nor_course():
    scope = Scope()
    assert __file__ in scope
    assert httpx.__file__ not in scope
    assert tempfile.__file__ not in scope
    assert disk.__file__ not in scope
    assert "/tmp/ipykernel_1234/5678.py" in scope


class TestSlowDisk:
    def test_it_delays_in_the_thread_that_asks(self, tmp_path):
        with slow_disk(tmp_path, seconds=0.05):
            begun = time.perf_counter()
            (tmp_path / "a file").write_bytes(b"x")
            assert time.perf_counter() - begun >= 0.05

    def test_it_is_over_when_the_block_ends(self, tmp_path):
        with slow_disk(tmp_path, seconds=0.05):
            pass
        assert not disk._slow

    def test_it_leaves_other_folders_alone(self, tmp_path, monkeypatch):
        slept = []
        monkeypatch.setattr(disk, "_sleep", slept.append)
        (tmp_path / "other").mkdir()
        with slow_disk(tmp_path / "slow", seconds=9):
            (tmp_path / "other" / "file").write_bytes(b"x")
            (tmp_path / "slower").write_bytes(b"x")
            (tmp_path / "slow").mkdir()
        assert slept == [9]

    async def test_a_loop_turns_on_while_a_thread_waits_for_a_slow_disk(self, place):
        with slow_disk(place.folder, seconds=0.1):
            async with Pulse(HERE) as pulse:
                await bench.file_opened_and_read_in_a_thread(place)
        assert not pulse.flatlines
        assert pulse.beats > 2

    def test_a_negative_delay_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="must not be negative"), slow_disk(tmp_path, seconds=-1):
            pass


class TestStalledDisk:
    @pytest.fixture
    def file(self, tmp_path):
        file = tmp_path / "a file"
        file.write_bytes(b"x")
        return file

    async def test_a_file_that_is_there_waits_for_the_end(self, file):
        with stalled_disk(file.parent) as stall:
            reading = asyncio.create_task(asyncio.to_thread(file.read_bytes))
            await asyncio.to_thread(stall.wait_for_somebody)
            assert not reading.done()
            stall.end()
            assert await reading == b"x"
            assert file.read_bytes() == b"x"

    async def test_the_end_of_the_block_is_an_end(self, file):
        with stalled_disk(file.parent) as stall:
            reading = asyncio.create_task(asyncio.to_thread(file.read_bytes))
            await asyncio.to_thread(stall.wait_for_somebody)
        assert await reading == b"x"

    def test_new_files_and_other_folders_do_not_wait(self, file, tmp_path):
        (tmp_path / "other").mkdir()
        with stalled_disk(tmp_path / "other"):
            assert file.read_bytes() == b"x"
            (tmp_path / "other" / "file").write_bytes(b"x")

    def test_it_is_bounded(self, file):
        with stalled_disk(file.parent, limit=0.01) as stall:
            with pytest.raises(TimeoutError, match="nobody opened"):
                stall.wait_for_somebody()
            assert file.read_bytes() == b"x"


def test_an_idle_hook_lets_everything_pass_in_every_thread(tmp_path):
    disk._install()
    seen = []
    thread = threading.Thread(target=lambda: seen.append((tmp_path / "a file").write_bytes(b"x")))
    thread.start()
    thread.join()
    assert seen == [1]
