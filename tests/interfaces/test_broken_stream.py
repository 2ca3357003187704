"""An answer that breaks off in the middle is a failure of the language model like any other: it is apologised for."""

from __future__ import annotations

import pytest
from conversations import LIMITS
from world import phones

from kata.instruments.standins import Providers
from kata.target import Target, folder_of


@pytest.mark.parametrize("package", ["starter", "solution"])
async def test_an_answer_that_breaks_off_is_apologised_for_and_the_next_one_comes(package, everybody, tmp_path):
    target = Target(folder_of(package))
    kept = {"IMAGE_FOLDER": str(tmp_path), "SHORT_TERM_MEMORY_DB_PATH": str(tmp_path / "memory.db")}
    settings = target.load("settings").Settings(_env_file=None, **everybody.settings(), **kept, **LIMITS)
    async with phones(target, settings, everybody) as (ana, _):
        everybody.groq.cut(3)  # the answer is the third call, and the only one that is streamed
        await ana.says("Are you there?")
        await ana.says("And now?")
    assert ana.notes == ["webhook → 200 Message processed"] * 2
    apology, answer = said(everybody)
    assert "my head is somewhere else" in apology
    assert answer == "You said: And now?"
    assert sum(call.dropped for call in everybody.groq.journal) == 1


def said(world: Providers) -> list[str]:
    return [message["text"]["body"] for message in world.whatsapp.messages]
