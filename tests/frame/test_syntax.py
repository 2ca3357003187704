"""Several threads may ask for syntax trees at the same time."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from kata.audit import project_root
from kata.syntax import parse

SOURCES = [file.read_bytes() for file in sorted((project_root() / "solution").rglob("*.py"))]
THREADS, ROUNDS = 4, 8


class Garbage:
    """Something that only the garbage collector can take away: while it does, other threads get their turn."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        sum(range(50))


@pytest.fixture
def _often_another_thread():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_often_another_thread")
def test_threads_that_parse_at_the_same_time_do_not_disturb_each_other():
    """With ast.parse in its place, some calls of every run end in a SystemError on Python 3.11."""

    def read() -> int:
        for _ in range(ROUNDS):
            for _ in range(50):
                Garbage()
            trees = [parse(source) for source in SOURCES]
        return len(trees)

    with ThreadPoolExecutor(THREADS) as pool:
        assert [each.result() for each in [pool.submit(read) for _ in range(THREADS)]] == [len(SOURCES)] * THREADS
