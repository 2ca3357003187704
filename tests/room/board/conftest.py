"""Boards, and learners on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from boards import Board, Learner, served


@pytest.fixture(scope="module")
def module_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One board for the tests of a module that leave it as it was for the others."""
    with served(tmp_path_factory.mktemp("board") / "board.sqlite") as board:
        yield board


@pytest.fixture
def board_learner(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Learner]:
    """Makes a learner, with a name that nobody in the module has."""
    number = iter(range(1000))

    def make(name: str = "") -> Learner:
        count = next(number)
        return Learner(tmp_path / f"learner-{count}", name or f"{abs(hash(request.node.name)) % 10**9}-{count}")

    return make
