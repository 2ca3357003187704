"""For each finding one thing that the companion does for a user, and on whose way the finding lies.

Each is a part of the package under test, ready to do it: what happens before and after is no guard's business.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from kata.audio import voice_note
from kata.instruments.disk import slow_disk
from kata.instruments.standins import Providers
from kata.instruments.standins.pictures import drawn
from kata.instruments.webhook import PATH, serving, text, voice
from kata.target import Target

Doing = Callable[[], Awaitable[Any]]
"""Does it, once."""


@dataclass(frozen=True)
class Bench:
    """Where the companion is put.

    Attributes:
        world: The providers' stand-ins, all of them.
        room: A folder for whatever it keeps.
        slowness: Seconds by which the disk, an answer and a pause take longer.
    """

    world: Providers
    room: Path
    slowness: float = 0.0

    def settings(self, target: Target) -> Any:
        kept = {"IMAGE_FOLDER": str(self.room / "pictures"), "SHORT_TERM_MEMORY_DB_PATH": str(self.room / "memory.db")}
        patient = {"BREAKER_FAILURE_THRESHOLD": 100, "STT_BACKOFF_SECONDS": max(self.slowness, 0.001)}
        settings_of = target.load("settings").Settings
        return settings_of(_env_file=None, **self.world.settings(), **kept, **patient, STT_BACKOFF_FACTOR=1)


@asynccontextmanager
async def a_picture(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """The agent's node answers with a picture."""
    settings, nodes = bench.settings(target), target.load("graph.nodes")
    text_to_image = target.load("modules.image.text_to_image").TextToImage(settings)
    services = target.load("graph.state").Services(settings=settings, text_to_image=text_to_image)
    state = {"messages": [nodes.AIMessage(content="Show me where you are.")]}
    config = {"configurable": {"services": services}}
    bench.world.groq.reply('{"narrative": "I am at the sea.", "image_prompt": "a grey sea"}')
    with slow_disk(bench.room, seconds=bench.slowness):
        yield lambda: nodes.image_node(state, config)
    await text_to_image.close()


@asynccontextmanager
async def a_picture_kept(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """A picture is drawn and kept, in a folder that is there."""
    text_to_image = target.load("modules.image.text_to_image").TextToImage(bench.settings(target))
    with slow_disk(bench.room, seconds=bench.slowness):
        yield lambda: text_to_image.generate_image("a grey sea", str(bench.room / f"{uuid4()}.png"))
    await text_to_image.close()


@asynccontextmanager
async def an_upload(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """The chat page is sent a picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Chainlit's dependencies deprecate is their affair
        app = target.load("interfaces.chainlit.app")
    await app.start(bench.settings(target))
    picture = bench.room / "photo.png"
    picture.write_bytes(drawn("a harbour", 32, 24))
    with slow_disk(picture, seconds=bench.slowness):
        yield lambda: _sent_to_the_page(app, picture)
    await app.stop()


async def _sent_to_the_page(app: Any, picture: Path) -> None:
    import chainlit
    from chainlit.context import ChainlitContext, context_var
    from chainlit.emitter import BaseChainlitEmitter
    from chainlit.session import HTTPSession

    session = HTTPSession(id=str(uuid4()), client_type="webapp")
    context_var.set(ChainlitContext(session, BaseChainlitEmitter(session)))
    elements = [chainlit.Image(name=picture.name, path=str(picture))]
    await app.on_message(chainlit.Message(content="Where is this?", type="user_message", elements=elements))


@asynccontextmanager
async def a_reply_with_a_picture(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """The webhook is asked for a picture, and sends it."""
    async with _webhook(target, bench) as post:
        with slow_disk(bench.room / "pictures", seconds=bench.slowness):
            yield lambda: post(text("Send me an image of the sea.", sender=_somebody()))


@asynccontextmanager
async def a_reply_by_voice(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """The webhook is sent a voice note, and answers by voice."""
    bench.world.groq.recognise(voice_note().data, "Say it in audio")
    media = bench.world.whatsapp.add_media(voice_note().data, "audio/ogg")
    async with _webhook(target, bench) as post:
        yield lambda: post(voice(media, sender=_somebody()))


@asynccontextmanager
async def _webhook(target: Target, bench: Bench) -> AsyncIterator[Callable[[dict[str, Any]], Awaitable[Any]]]:
    app = target.load("interfaces.whatsapp.webhook_endpoint").create_app(bench.settings(target))
    async with serving(app) as client:
        yield lambda notification: client.post(PATH, json=notification)


def _somebody() -> str:
    return str(uuid4().int)[:13]


@asynccontextmanager
async def a_voice_note(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """A voice note becomes its text."""
    async with _ears(target, bench) as transcribe:
        bench.world.groq.latency = bench.slowness
        with slow_disk(tempfile.gettempdir(), seconds=bench.slowness):
            yield transcribe


@asynccontextmanager
async def a_voice_note_heard_again(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """A voice note becomes its text at the second attempt."""
    async with _ears(target, bench) as transcribe:
        bench.world.groq.fail(1, status=503)
        yield transcribe


@asynccontextmanager
async def _ears(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    bench.world.groq.recognise(voice_note().data, voice_note().text)
    speech_to_text = target.load("modules.speech.speech_to_text").SpeechToText(bench.settings(target))
    yield lambda: speech_to_text.transcribe(voice_note().data, voice_note().format)
    await speech_to_text.close()


@asynccontextmanager
async def a_voice(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """A text becomes speech."""
    bench.world.elevenlabs.latency = bench.slowness
    text_to_speech = target.load("modules.speech.text_to_speech").TextToSpeech(bench.settings(target))
    yield lambda: text_to_speech.synthesize("Nine o'clock is fine, I will bring the coffee.")
    await text_to_speech.close()


@asynccontextmanager
async def a_memory_recalled(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """The agent's node recalls what has to do with a message, run by a graph."""
    from langgraph.graph import START, StateGraph

    async with _memory(target, bench) as (memory, services, state):
        builder = StateGraph(state.AICompanionState)
        builder.add_node("memory_injection_node", target.load("graph.nodes").memory_injection_node)
        builder.add_edge(START, "memory_injection_node")
        await memory.extract_and_store_memories("ana", "I drink my coffee black.")
        config = {"configurable": {"thread_id": "ana", "services": services}}
        said = {"messages": [target.load("graph.nodes").AIMessage(content="Coffee?")]}
        graph = builder.compile()
        bench.world.embeddings.latency = bench.slowness
        yield lambda: graph.ainvoke(said, config)


@asynccontextmanager
async def a_memory_kept(target: Target, bench: Bench) -> AsyncIterator[Doing]:
    """What a message tells about its writer is kept."""
    async with _memory(target, bench) as (memory, _, _):
        bench.world.embeddings.latency = bench.slowness
        yield lambda: memory.extract_and_store_memories("ana", "I drink my coffee black.")


@asynccontextmanager
async def _memory(target: Target, bench: Bench) -> AsyncIterator[tuple[Any, Any, Any]]:
    settings, state = bench.settings(target), target.load("graph.state")
    told = json.dumps({"is_important": True, "formatted_memory": "Ana drinks her coffee black."})
    memory = target.load("modules.memory.long_term.memory_manager").MemoryManager(settings)
    for _ in range(3):
        bench.world.groq.reply(told)
    yield memory, state.Services(settings=settings, memory_manager=memory), state
    await memory.close()


OPERATIONS: Mapping[str, Callable[[Target, Bench], AbstractAsyncContextManager[Doing]]] = {
    "1.1": a_picture,
    "1.2": an_upload,
    "1.3": a_reply_with_a_picture,
    "1.4": a_voice_note_heard_again,
    "1.5": a_voice_note,
    "2.1": a_voice_note,
    "2.2": a_voice,
    "2.3": a_memory_recalled,
    "3.1": a_reply_by_voice,
    "6.1": a_picture_kept,
    "6.2": a_memory_kept,
}
"""The operation of each finding, those beyond the report included."""
