"""What more than one room of tests is arranged with, and how the tests are shared out among pytest's workers."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kata.audio import VoiceNote, voice_note
from kata.instruments.standins import EVERYBODY, Providers, providers
from kata.verdict.environment import ONE_CERTIFICATE, one_certificate

EACH_FOR_ITSELF = ("tests/frame/test_notebooks.py::", "tests/verdict/test_bad_hands.py::")
"""Where a test takes seconds and has nothing in common with its neighbours: any worker may take any of them."""

BY_FINDING = (
    "tests/gallery/",
    "tests/lesson/test_complaints.py::test_exercises",
    "tests/verdict/test_judge.py::test_every",
    "tests/verdict/test_warm.py::test_warm_and_cold",
    "tests/workspace/test_resetting.py::test_what_was_put_back",
)
"""Where a test has its finding judged: one worker takes all that are about the same, so that only its server of
verdicts imports what that finding needs."""

FIRST = "tests/room/hub/test_hub_room.py"
"""A single test that takes more than a minute: begun last, it would be waited for by all other workers."""

_FINDING = re.compile(r"\[(\d\.\d)\b")


@pytest.hookimpl(optionalhook=True)  # a verdict does without xdist
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: most of the tests' time is spent on waiting, for a pause, a process or a hold."""
    return 2 * (os.cpu_count() or 1)


def scope_of(nodeid: str) -> str:
    """What a test shares its worker with: all tests of the same scope are one worker's."""
    if nodeid.startswith(EACH_FOR_ITSELF):
        return nodeid
    finding = _FINDING.search(nodeid) if nodeid.startswith(BY_FINDING) else None
    return finding[1] if finding else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out whole files, as `--dist=loadfile` does, a notebook's cells among them, with the exceptions above."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            if FIRST in self.workqueue:
                self.workqueue.move_to_end(FIRST, last=False)
            super()._assign_work_unit(node)

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return one_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def _one_certificate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is built reads one certificate, and not the whole bundle: no test calls anything but loopback.

    In a verdict's process it is so already. A machine that has a bundle of its own says so in the same variable.
    """
    if Path(os.environ.get("SSL_CERT_FILE", "")).name != ONE_CERTIFICATE:
        monkeypatch.setenv("SSL_CERT_FILE", str(request.getfixturevalue("certificate")))


@pytest.fixture
def talking() -> Callable[..., Awaitable[Sequence[asyncio.Task[None]]]]:
    """Have people ask a chat page so many things in turn; their tasks, as soon as one of them has all answers."""

    async def until_one_is_done(people: Iterable[Any], messages: int) -> Sequence[asyncio.Task[None]]:
        async def talk(person: Any) -> None:
            for number in range(messages):
                await person.asks(f"Are you there? {number}")

        tasks = [asyncio.create_task(talk(person)) for person in people]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks

    return until_one_is_done


@pytest.fixture
def note() -> VoiceNote:
    return voice_note()


@pytest.fixture
def everybody(note: VoiceNote) -> Iterator[Providers]:
    """Stand-ins for all providers; Groq knows the voice note."""
    with providers(*EVERYBODY) as world:
        world.groq.recognise(note.data, note.text)
        yield world
