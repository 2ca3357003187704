"""Thirty learners who come in, work and are judged, as in the second hour of a workshop.

`python tests/room/board/crowd.py ADDRESS/CODE` sends them to a board that is being served, to look at it.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from boards import Learner

from kata.audit import audit
from kata.room.board import membership
from kata.room.board.invitation import Invitation

NAMES = """Ada Bo Chidi Dorothea Эмма Farouk Grace Hao_Ran İpek Joaquín Kwame 李雷 Maximiliane_Sophie Noor Oluwaseun
Priya Quentin Rosalind Søren Tomáš Uma Violet Wanjiku Xóchitl Yuki Zoë Anne-Marie Björn Çağla Ada_Lovelace_the_2nd"""


def names() -> list[str]:
    """Thirty names, short and long, in more than one script."""
    return [name.replace("_", " ") for name in NAMES.split()]


def verdicts(seed: int = 7) -> Iterator[dict[str, str]]:
    """For learner after learner, how their findings stand: most are in the middle, and many at 1.4."""
    chance = random.Random(seed)
    ids = [finding.id for finding in audit().findings]
    while True:
        through = chance.choice((1, 2, 3, 3, 3, 3, 4, 5, 6))
        standings = dict.fromkeys(ids[:through], "fixed")
        standings[ids[through]] = chance.choice(("present", "present", "present", "broken", "untouched", "error"))
        yield standings


def as_arguments(standings: dict[str, str]) -> dict[str, str]:
    """The same for `Learner.judged`."""
    return {f"_{id.replace('.', '_')}": status for id, status in standings.items()}


def come(folder: Path, invitation: Invitation) -> list[Learner]:
    """Thirty learners, who have joined and told their verdicts, several at once; one has found what is beyond."""

    def comes(name: str, standings: dict[str, str]) -> Learner:
        learner = Learner(folder / name, name)
        membership.join(learner.folder, invitation, name)
        learner.tells(**as_arguments(standings))
        return learner

    with ThreadPoolExecutor(8) as pool:
        learners = list(pool.map(comes, names(), verdicts()))
    learners[0].tells(_6_1="fixed", _6_2="present")
    return learners


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as room:
        print(f"{len(come(Path(room), Invitation.parse(sys.argv[1])))} learners are on the board")
