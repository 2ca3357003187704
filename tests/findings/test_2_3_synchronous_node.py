"""Finding 2.3: `memory_injection_node` is a plain function: the loop turns, and the shared threads wait."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, StateGraph

from kata.instruments.culprit import Scope
from kata.instruments.pulse import Kind
from kata.instruments.standins import providers
from kata.instruments.threads import busy_pool_threads, waiting_in
from kata.verdict.claims import Wasteful, bounded, expect

CALL = "memory_injection_node(state, config), run by the graph"
POOL = 6
"""Threads of the default executor on two cores, min(32, cores + 4); here on every machine."""
CONVERSATIONS = 2 * POOL


@pytest.fixture
def world():
    with providers("groq", "images", "embeddings") as world:
        yield world


@pytest.fixture
async def companion(target, world):
    """The node in a graph of its own, as LangGraph runs it, over a long-term memory of two sentences about Ana."""
    settings = target.load("settings").Settings(_env_file=None, **world.settings(), MEMORY_TOP_K=1)
    state = target.load("graph.state")
    text_to_image = target.load("modules.image.text_to_image").TextToImage(settings)
    memory = target.load("modules.memory.long_term.memory_manager").MemoryManager(settings)
    companion = Companion(world, state, target.load("graph.nodes").memory_injection_node)
    companion.services = state.Services(settings=settings, text_to_image=text_to_image, memory_manager=memory)
    for sentence in ("Ana drinks her coffee black.", "Ana has a dog called Bruno."):
        await companion.told(sentence)
    world.embeddings.reset()
    yield companion
    await memory.close()
    await text_to_image.close()


class Companion:
    def __init__(self, world, state, node):
        self.groq = world.groq
        self.services = None
        builder = StateGraph(state.AICompanionState)
        builder.add_node("memory_injection_node", node)
        builder.add_edge(START, "memory_injection_node")
        self.graph = builder.compile()

    async def told(self, memory, *, owner="ana", important=True):
        """Something is said, which Groq finds worth remembering in these words, or not."""
        self.groq.reply(json.dumps({"is_important": important, "formatted_memory": memory if important else None}))
        call = "await extract_and_store_memories(owner, message)"
        await bounded(call, self.services.memory_manager.extract_and_store_memories(owner, "…"))

    async def recalls(self, *said, owner="ana"):
        """The memory context of a conversation."""
        messages = [HumanMessage(content=text) for text in said]
        config = {"configurable": {"thread_id": owner, "services": self.services}}
        result = await bounded(CALL, self.graph.ainvoke({"messages": messages}, config))
        return result["memory_context"]


@pytest.fixture
async def pool():
    """A default executor of a known size."""
    with ThreadPoolExecutor(POOL) as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        yield pool


@pytest.mark.behaviour("2.3")
async def test_what_has_to_do_with_the_message_is_recalled(companion):
    got = await companion.recalls("Do I drink my coffee black?")
    expect(f"memory_context of {CALL}", expected="- Ana drinks her coffee black.", got=got)
    got = await companion.recalls("Where is my dog?")
    expect(f"memory_context of {CALL}", expected="- Ana has a dog called Bruno.", got=got)


@pytest.mark.behaviour("2.3")
async def test_the_last_three_messages_are_what_it_looks_for(companion, world):
    await companion.recalls("one", "two", "three", "four")
    (call,) = world.embeddings.journal
    expect("the text that is looked for", expected=["two three four"], got=call.fields["input"])


@pytest.mark.behaviour("2.3")
async def test_the_answers_of_the_companion_are_looked_at_too(companion, world):
    config = {"configurable": {"thread_id": "ana", "services": companion.services}}
    messages = [HumanMessage(content="Who barks?"), AIMessage(content="Your dog.")]
    await bounded(CALL, companion.graph.ainvoke({"messages": messages}, config))
    (call,) = world.embeddings.journal
    expect("the text that is looked for", expected=["Who barks? Your dog."], got=call.fields["input"])


@pytest.mark.behaviour("2.3")
async def test_an_empty_memory_recalls_nothing(companion):
    expect(f"memory_context of {CALL}, nothing stored", expected="", got=await companion.recalls("Hello", owner="ben"))


@pytest.mark.behaviour("2.3")
async def test_one_does_not_recall_what_another_told(companion):
    await companion.told("Ben drinks tea.", owner="ben")
    got = await companion.recalls("Who drinks coffee?", owner="ben")
    expect(f"memory_context of {CALL}, for Ben", expected="- Ben drinks tea.", got=got)


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
async def test_what_is_known_already_is_not_stored_again(companion, world):
    await companion.told("Ana has a dog called Bruno.")
    expect("requests for what is known: looked for, and not stored", expected=1, got=len(world.embeddings.journal))


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
    except Exception:  # how a closed client complains is the client's affair
        outcome = ""
    expect(f"memory_context of {CALL} after close()", expected="", got=outcome)
    expect("requests after close()", expected=0, got=len(world.embeddings.journal))


@pytest.mark.finding("2.3")
async def test_conversations_at_once_are_lookups_in_flight(companion, world, target, pulse, pool):
    async with pulse:
        with world.embeddings.rendezvous(CONVERSATIONS, limit=1.0) as door:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONVERSATIONS):
                    group.create_task(companion.recalls("Do I drink my coffee black?"))
                await world.embeddings.until_calls(1)
                culprit = waiting_in(Scope(target.folder))
    pulse.check(Kind.NETWORK, doing="while a memory was looked up")
    pulse.check(Kind.COMPUTING, doing="to build a client, CA certificates and all, for every lookup")
    if not door.met:
        in_flight = world.embeddings.peak_in_flight
        raise Wasteful(
            f"the loop turns, but of {CONVERSATIONS} conversations at once {in_flight} look up their memories: "
            f"the shared pool has {POOL} threads here, and each lookup keeps one",
            culprit,
        )


@pytest.mark.remark("2.3", "each conversation's lookup takes a thread while it waits for the embedding service")
async def test_no_thread_waits_for_the_embedding_service(companion, world):
    with world.embeddings.silence():
        task = asyncio.create_task(companion.recalls("Do I drink my coffee black?"))
        await world.embeddings.until_calls(1)
        busy = busy_pool_threads()
    await task
    assert busy == 0
