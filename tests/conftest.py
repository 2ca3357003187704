"""What more than one room of tests is arranged with, and how the tests are shared out among pytest's workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kata.audio import VoiceNote, voice_note
from kata.instruments.standins import EVERYBODY, Providers, providers
from kata.verdict.environment import ONE_CERTIFICATE, one_certificate

EACH_FOR_ITSELF = (
    "tests/frame/test_notebooks.py::",
    "tests/gallery/",
    "tests/verdict/test_bad_hands.py::",
    "tests/verdict/test_judge.py::test_every",
    "tests/verdict/test_warm.py::test_warm_and_cold",
)
"""Where a test takes seconds and has nothing in common with its neighbours: any worker may take any of them."""


@pytest.hookimpl(optionalhook=True)  # a verdict does without xdist
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: most of the tests' time is spent on waiting, for a pause, a process or a hold."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out whole files, as `--dist=loadfile` does, a notebook's cells among them; but not `EACH_FOR_ITSELF`."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith(EACH_FOR_ITSELF) else nodeid.partition("::")[0]

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
