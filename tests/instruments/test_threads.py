"""Busy threads of pools are counted by name, and the line is found at which they stand."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kata.instruments.culprit import Scope
from kata.instruments.threads import busy_pool_threads, waiting_in

HERE = Path(__file__).parent


@pytest.fixture
def barrier():
    return threading.Barrier(4)  # three threads of pools, and the test


@pytest.fixture
def two_pools(barrier):
    """Three busy threads, two of a pool called one, and one of a pool called two, until the gate is opened."""
    gate = threading.Event()

    def wait_here():
        barrier.wait()
        gate.wait()

    def wait_there():
        barrier.wait()
        gate.wait()

    with ThreadPoolExecutor(4, thread_name_prefix="one") as one, ThreadPoolExecutor(1, thread_name_prefix="two") as two:
        for _ in range(2):
            one.submit(wait_here)
        two.submit(wait_there)
        barrier.wait()
        yield
        gate.set()


def test_busy_threads_are_counted_by_their_pool_s_name(two_pools):
    assert (busy_pool_threads(), busy_pool_threads("one"), busy_pool_threads("two")) == (3, 2, 1)


def test_a_thread_is_not_counted_once_its_work_is_done():
    with ThreadPoolExecutor(1, thread_name_prefix="idle") as pool:
        pool.submit(int).result()
        deadline = time.monotonic() + 5  # the result is there a moment before the thread is idle
        while busy_pool_threads("idle") and time.monotonic() < deadline:
            time.sleep(0.001)
        assert busy_pool_threads("idle") == 0


def test_the_line_at_which_most_of_them_stand_is_found(two_pools):
    assert waiting_in(Scope(HERE)).function == "two_pools.wait_here"
    assert waiting_in(Scope(HERE), "two").function == "two_pools.wait_there"


def test_where_none_stands_in_the_code_under_test_there_is_no_line(two_pools, tmp_path):
    assert waiting_in(Scope(tmp_path)) is None
