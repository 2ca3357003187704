"""Finding 6.2, beyond the report: `extract_and_store_memories` is async, and asks a synchronous store on the loop."""

from __future__ import annotations

import asyncio
import json

import pytest

from kata.instruments.pulse import Kind
from kata.instruments.standins import providers
from kata.instruments.threads import busy_pool_threads
from kata.verdict.claims import Wasteful, bounded, expect

CALL = "await extract_and_store_memories(owner, message)"
COFFEE, DOG = "Ana drinks her coffee black.", "Ana has a dog called Bruno."


@pytest.fixture
def world():
    with providers("groq", "embeddings") as world:
        yield world


@pytest.fixture
async def tell(target, world):
    """Say something, which Groq finds worth remembering in these words, or not worth it at all."""
    settings = target.load("settings").Settings(_env_file=None, **world.settings())
    memory = target.load("modules.memory.long_term.memory_manager").MemoryManager(settings)

    async def run(words, *, owner="ana"):
        world.groq.reply(json.dumps({"is_important": words is not None, "formatted_memory": words}))
        await bounded(CALL, memory.extract_and_store_memories(owner, "…"))

    yield run
    await bounded("await close()", memory.close())


def asked(world):
    """The texts that the embedding service was asked about since the last time, in order of arrival."""
    inputs = [call.fields["input"] for call in world.embeddings.journal]
    world.embeddings.reset()
    return [text for each in inputs for text in ([each] if isinstance(each, str) else each)]


@pytest.mark.behaviour("6.2")
async def test_what_is_new_is_looked_for_and_stored_before_the_call_returns(tell, world):
    await tell(COFFEE)
    expect(f"asked of the embedding service by {CALL}", expected=[COFFEE, COFFEE], got=asked(world))
    await tell(DOG)
    expect(f"asked of the embedding service by {CALL}", expected=[DOG, DOG], got=asked(world))


@pytest.mark.behaviour("6.2")
async def test_what_is_known_is_looked_for_and_not_stored_again(tell, world):
    await tell(COFFEE)
    asked(world)
    await tell(COFFEE)
    expect(f"asked by {CALL}, about what is known", expected=[COFFEE], got=asked(world))


@pytest.mark.behaviour("6.2")
async def test_what_one_told_is_new_for_another(tell, world):
    await tell(COFFEE)
    asked(world)
    await tell(COFFEE, owner="ben")
    expect(f"asked by {CALL}, for Ben", expected=[COFFEE, COFFEE], got=asked(world))


@pytest.mark.behaviour("6.2")
async def test_small_talk_is_not_looked_for(tell, world):
    await tell(None)
    expect(f"asked by {CALL}, about small talk", expected=[], got=asked(world))


@pytest.mark.behaviour("6.2")
@pytest.mark.parametrize("fault", ["fail", "drop", "garble"])
async def test_a_failing_store_keeps_nothing_and_fails_nobody(tell, world, fault):
    getattr(world.embeddings, fault)(1)
    await tell(COFFEE)
    expect(f"asked by {CALL}, embedding service failing", expected=1, got=len(world.embeddings.journal))
    asked(world)
    await tell(COFFEE)
    expect(f"asked by {CALL}, embedding service back", expected=[COFFEE, COFFEE], got=asked(world))


@pytest.mark.behaviour("6.2")
async def test_a_failing_analysis_fails_nobody(tell, world):
    world.groq.fail(1, status=503)
    await tell(COFFEE)
    expect(f"asked by {CALL}, Groq failing", expected=[], got=asked(world))


@pytest.mark.finding("6.2")
async def test_the_loop_beats_while_a_memory_is_kept(tell, world, pulse):
    async with pulse:
        with world.embeddings.hold(pulse, limit=0.3):
            await tell(COFFEE)
            await tell(DOG)
    pulse.check(Kind.NETWORK, doing="while a memory was kept")
    pulse.check(Kind.COMPUTING, doing="to build a client, CA certificates and all, for every memory")
    if (connections := world.embeddings.connections) > 1:
        raise Wasteful(f"the loop turns, but two memories in turn open {connections} connections: keep one client")


@pytest.mark.remark("6.2", "each memory keeps a thread while it waits, and a cancelled one goes on")
async def test_no_thread_waits_for_the_embedding_service(tell, world):
    with world.embeddings.silence():
        task = asyncio.create_task(tell(COFFEE))
        await world.embeddings.until_calls(1)
        busy = busy_pool_threads()
    await task
    assert busy == 0
