"""Finding 2.3: `memory_injection_node` is a plain function: the loop turns, and the shared threads wait."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, StateGraph

from kata.instruments.culprit import Scope
from kata.instruments.pulse import Kind, Pulse
from kata.instruments.standins import providers
from kata.instruments.threads import busy_pool_threads, waiting_in
from kata.verdict.claims import DidNotEnd, Wasteful, bounded, expect

CALL = "memory_injection_node(state, config), run by the graph"
POOL = 6
"""Threads of the default executor on two cores, min(32, cores + 4); here on every machine."""
CONVERSATIONS = 2 * POOL
PATIENCE, LESS_PATIENCE = 100, 40
"""Beats of the loop without another lookup, after which no more are expected: less where all threads of the pool are
at work, so that there is nobody who could begin one."""


@pytest.fixture
def world():
    with providers("groq", "images", "embeddings") as world:
        yield world


@pytest.fixture
async def companion(target, world):
    """The node in a graph of its own, as LangGraph runs it, over a long-term memory of two sentences about Ana."""
    async with started(target, world) as companion:
        yield companion


@asynccontextmanager
async def started(target, world, **limits):
    settings = target.load("settings").Settings(_env_file=None, **{**world.settings(), "MEMORY_TOP_K": 1, **limits})
    text_to_image = target.load("modules.image.text_to_image").TextToImage(settings)
    memory = target.load("modules.memory.long_term.memory_manager").MemoryManager(settings)
    services = target.load("graph.state").Services(
        settings=settings, text_to_image=text_to_image, memory_manager=memory
    )
    companion = Companion(target, world, services)
    for sentence in ("Ana drinks her coffee black.", "Ana has a dog called Bruno."):
        await companion.told(sentence)
    world.embeddings.reset()
    yield companion
    await memory.close()
    await text_to_image.close()


class Companion:
    def __init__(self, target, world, services):
        self.groq = world.groq
        self.services = services
        builder = StateGraph(target.load("graph.state").AICompanionState)
        builder.add_node("memory_injection_node", target.load("graph.nodes").memory_injection_node)
        builder.add_edge(START, "memory_injection_node")
        self.graph = builder.compile()

    async def told(self, memory, *, owner="ana", important=True):
        """Something is said, which Groq finds worth remembering in these words, or not."""
        self.groq.reply(json.dumps({"is_important": important, "formatted_memory": memory if important else None}))
        call = "await extract_and_store_memories(owner, message)"
        await bounded(call, self.services.memory_manager.extract_and_store_memories(owner, "…"))

    async def recalls(self, *said, owner="ana", call=CALL, seconds=8.0):
        """The memory context of a conversation."""
        messages = [HumanMessage(content=text) if isinstance(text, str) else text for text in said]
        config = {"configurable": {"thread_id": owner, "services": self.services}}
        result = await bounded(call, self.graph.ainvoke({"messages": messages}, config), seconds)
        return result["memory_context"]


@pytest.fixture
async def pool():
    """A default executor of a known size."""
    with ThreadPoolExecutor(POOL, thread_name_prefix="shared pool") as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        yield "shared pool"


def asked(embeddings):
    """The texts that the embedding service was asked about, in order of arrival."""
    inputs = [call.fields["input"] for call in embeddings.journal]
    return [text for each in inputs for text in ([each] if isinstance(each, str) else each)]


async def asked_at_once(embeddings, pulse, pool):
    """How many texts are asked about while nobody is answered: once all are, or once no more come."""
    texts, since = 0, pulse.beats
    while texts < CONVERSATIONS and pulse.beats < since + (LESS_PATIENCE if is_full(pool) else PATIENCE):
        await asyncio.sleep(0.002)
        if len(asked(embeddings)) > texts:
            texts, since = len(asked(embeddings)), pulse.beats
    return texts


def is_full(pool):
    return busy_pool_threads(pool) == POOL


@pytest.mark.behaviour("2.3")
async def test_what_has_to_do_with_the_message_is_recalled(companion):
    got = await companion.recalls("Do I drink my coffee black?")
    expect(f"memory_context of {CALL}", expected="- Ana drinks her coffee black.", got=got)
    got = await companion.recalls("Where is my dog?")
    expect(f"memory_context of {CALL}", expected="- Ana has a dog called Bruno.", got=got)


@pytest.mark.behaviour("2.3")
async def test_several_memories_are_a_line_each_the_nearest_first(target, world):
    async with started(target, world, MEMORY_TOP_K=2) as companion:
        got = await companion.recalls("Where is my dog?")
    expected = "- Ana has a dog called Bruno.\n- Ana drinks her coffee black."
    expect(f"memory_context of {CALL}, two memories at most", expected=expected, got=got)


@pytest.mark.behaviour("2.3")
async def test_the_last_three_messages_are_what_it_looks_for(companion, world):
    await companion.recalls("one", "two", "three", "four")
    expect("the texts that are looked for", expected=["two three four"], got=asked(world.embeddings))


@pytest.mark.behaviour("2.3")
async def test_the_answers_of_the_companion_are_looked_at_too(companion, world):
    await companion.recalls("Who barks?", AIMessage(content="Your dog."))
    expect("the texts that are looked for", expected=["Who barks? Your dog."], got=asked(world.embeddings))


@pytest.mark.behaviour("2.3")
@pytest.mark.parametrize("said", [(), (" ",)], ids=["no message", "a blank one"])
async def test_where_nothing_was_said_nothing_is_looked_for(companion, world, said):
    expect(f"memory_context of {CALL}, nothing said", expected="", got=await companion.recalls(*said))
    expect("the texts that are looked for, nothing said", expected=[], got=asked(world.embeddings))


@pytest.mark.behaviour("2.3")
async def test_one_does_not_recall_what_another_told(companion):
    await companion.told("Ben drinks tea.", owner="ben")
    got = await companion.recalls("Who drinks coffee?", owner="ben")
    expect(f"memory_context of {CALL}, for Ben", expected="- Ben drinks tea.", got=got)


@pytest.mark.behaviour("2.3")
async def test_an_empty_memory_recalls_nothing(companion):
    expect(f"memory_context of {CALL}, nothing stored", expected="", got=await companion.recalls("Hello", owner="ben"))


@pytest.mark.behaviour("2.3")
async def test_a_companion_without_a_memory_answers_all_the_same(companion, target):
    companion.services = target.load("graph.state").Services(
        settings=companion.services.settings, text_to_image=companion.services.text_to_image
    )
    expect(f"memory_context of {CALL}, no memory manager", expected="", got=await companion.recalls("Hello"))


@pytest.mark.behaviour("2.3")
@pytest.mark.parametrize("fault", ["fail", "drop", "garble"])
async def test_a_failing_memory_leaves_the_conversation_going(companion, world, fault):
    getattr(world.embeddings, fault)(1)
    got = await companion.recalls("Do I drink my coffee black?")
    expect(f"memory_context of {CALL}, embedding service failing", expected="", got=got)
    got = await companion.recalls("Do I drink my coffee black?")
    expect(f"memory_context of {CALL}, embedding service back", expected="- Ana drinks her coffee black.", got=got)


@pytest.mark.behaviour("2.3")
async def test_a_memory_that_takes_too_long_leaves_the_conversation_going(target, world):
    async with started(target, world, EMBEDDINGS_TIMEOUT_SECONDS=0.1) as companion:
        with world.embeddings.silence():
            call = f"{CALL}, an embedding service that never answers, EMBEDDINGS_TIMEOUT_SECONDS=0.1"
            got = await companion.recalls("Do I drink my coffee black?", call=call, seconds=4.0)
    expect(f"memory_context of {call}", expected="", got=got)


@pytest.mark.behaviour("2.3")
async def test_what_is_known_already_is_not_stored_again(companion, world):
    await companion.told("Ana has a dog called Bruno.")
    expect("requests for what is known: looked for, and not stored", expected=1, got=len(asked(world.embeddings)))


@pytest.mark.behaviour("2.3")
async def test_small_talk_is_not_stored(companion, world):
    await companion.told("Hello", important=False)
    expect("requests to the embedding service for small talk", expected=0, got=len(world.embeddings.journal))


@pytest.mark.behaviour("2.3")
async def test_a_failing_analysis_is_no_failing_conversation(companion, world):
    world.groq.fail(1, status=503)
    await companion.services.memory_manager.extract_and_store_memories("ana", "I live in Porto.")
    expect("requests to the embedding service, Groq failing", expected=0, got=len(world.embeddings.journal))


@pytest.mark.behaviour("2.3")
async def test_after_close_nothing_is_looked_up(companion, world):
    await bounded("await close()", companion.services.memory_manager.close())
    try:
        outcome = await companion.recalls("Do I drink my coffee black?")
    except DidNotEnd:
        raise
    except Exception:  # how a closed client complains is the client's affair
        outcome = ""
    expect(f"memory_context of {CALL} after close()", expected="", got=outcome)
    expect("requests after close()", expected=0, got=len(world.embeddings.journal))


@pytest.mark.finding("2.3")
async def test_conversations_at_once_are_lookups_in_flight(companion, world, target, pool):
    async with Pulse(target.folder) as pulse:
        with world.embeddings.hold(pulse, limit=0.3):
            for number in range(3):
                await companion.recalls(f"Do I drink coffee number {number} black?")
    pulse.check(Kind.NETWORK, doing="while a memory was looked up")
    pulse.check(Kind.COMPUTING, doing="to build a client, CA certificates and all, for every lookup")
    if (connections := world.embeddings.connections) > 1:
        raise Wasteful(f"the loop turns, but three lookups in turn open {connections} connections: keep one client")

    world.embeddings.reset()
    async with Pulse(target.folder) as pulse, asyncio.TaskGroup() as group:
        with world.embeddings.silence():
            for number in range(CONVERSATIONS):
                group.create_task(companion.recalls(f"Do I drink coffee number {number} black?"))
            texts = await asked_at_once(world.embeddings, pulse, pool)
            pool_is_full = is_full(pool)
            culprit = waiting_in(Scope(target.folder), pool if pool_is_full else "")
    if texts < CONVERSATIONS:
        full = f"each keeps a thread of the shared pool, which has {POOL} here"
        raise Wasteful(
            f"the loop turns, but {CONVERSATIONS} conversations at once have only {texts} "
            f"lookup{'s' * (texts > 1)} in flight: {full if pool_is_full else 'the others wait for their turn'}",
            culprit,
        )


@pytest.mark.remark(
    "2.3",
    "each lookup keeps a thread, their number is the new ceiling, and a cancelled one goes on",
)
async def test_no_thread_waits_for_the_embedding_service(companion, world):
    with world.embeddings.silence():
        task = asyncio.create_task(companion.recalls("Do I drink my coffee black?"))
        await world.embeddings.until_calls(1)
        busy = busy_pool_threads()
    await task
    assert busy == 0


@pytest.mark.remark("2.3", "the loop turns, but the lookup of a cancelled conversation goes on")
async def test_a_cancelled_conversation_hangs_up(companion, world):
    with world.embeddings.silence():
        task = asyncio.create_task(companion.recalls("Do I drink my coffee black?"))
        await world.embeddings.until_calls(1)
        task.cancel()
        await world.embeddings.until_calls(1, answered=True, limit=3)
    await asyncio.wait([task])
    assert world.embeddings.journal[0].hung_up
