"""The companion as a chat page: text, pictures and voice."""

import asyncio
import io
import logging
import wave
from typing import Any

import chainlit as cl
from chainlit.config import AudioFeature, config
from chainlit.element import Element
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ...core.exceptions import CompanionError, ImageToTextError, SpeechToTextError
from ...graph.graph import graph_builder
from ...graph.state import Services
from ...settings import Settings

logger = logging.getLogger(__name__)

APOLOGY = "I am sorry, my head is somewhere else right now. Will you write to me again in a while?"
NOT_HEARD = "I am sorry, I could not hear you. Will you write it to me?"
TOO_LONG = "I am sorry, I have been thinking for too long. Will you ask me again?"

SAMPLE_RATE = 24_000
"""Samples a second of what the page records: mono, 16 bits each."""

config.features.audio = AudioFeature(enabled=True, sample_rate=SAMPLE_RATE)

_services: Services | None = None


@cl.on_app_startup
async def start(settings: Settings | None = None) -> None:
    """Open what the companion works with.

    Raises:
        ValueError: If a key is not set.
    """
    global _services
    _services = Services.open(settings or Settings())


@cl.on_app_shutdown
async def stop() -> None:
    """Close it again."""
    if _services is not None:
        await _services.close()


@cl.on_message
async def on_message(message: cl.Message) -> None:
    """Answer a message, and the pictures that come with it."""
    services = _opened()
    content = message.content
    for elem in message.elements:
        if not isinstance(elem, cl.Image):
            continue
        try:
            with open(elem.path, "rb") as f:
                image_bytes = f.read()
            description = await services.image_to_text.analyze_image(image_bytes, message.content)
        except (OSError, ImageToTextError, ValueError) as error:
            logger.warning("A picture was not looked at: %s", error)
            continue
        content += f"\n[Picture: {description}]"
    await answer(content, services)


@cl.on_audio_start
async def on_audio_start() -> bool:
    """Begin to listen."""
    cl.user_session.set("audio_chunks", [])
    return True


@cl.on_audio_chunk
async def on_audio_chunk(chunk: cl.InputAudioChunk) -> None:
    """Listen."""
    cl.user_session.get("audio_chunks").append(chunk.data)


@cl.on_audio_end
async def on_audio_end() -> None:
    """Answer what was said."""
    services = _opened()
    try:
        content = await services.speech_to_text.transcribe(_wav(cl.user_session.get("audio_chunks") or []), "wav")
    except (SpeechToTextError, ValueError) as error:
        logger.warning("Somebody was not understood: %s", error)
        await cl.Message(content=NOT_HEARD).send()
        return
    await cl.Message(author="You", type="user_message", content=content).send()
    await answer(content, services)


async def answer(content: str, services: Services) -> None:
    """Let the agent answer, and stream its words to the page; a picture or speech follows them."""
    reply = cl.Message(content="")
    state: dict[str, Any] = {}
    thread_id = cl.context.session.thread_id
    try:
        async with AsyncSqliteSaver.from_conn_string(services.settings.SHORT_TERM_MEMORY_DB_PATH) as short_term_memory:
            graph = graph_builder.compile(checkpointer=short_term_memory)
            async with asyncio.timeout(services.settings.WORKFLOW_TIMEOUT_SECONDS):
                async for mode, chunk in graph.astream(
                    {"messages": [HumanMessage(content=content)]},
                    {"configurable": {"thread_id": thread_id, "services": services}},
                    stream_mode=["custom", "values"],
                ):
                    if mode == "custom":
                        await reply.stream_token(chunk)
                    else:
                        state = chunk
    except TimeoutError:
        reply.content = TOO_LONG
    except (CompanionError, OSError) as error:
        logger.warning("A message was not answered: %r", error)
        reply.content = APOLOGY
    else:
        reply.content = str(state["messages"][-1].content)
        reply.elements = _elements(state)
    await reply.send()


def _elements(state: dict[str, Any]) -> list[Element]:
    if state["workflow"] == "image":
        return [cl.Image(name="picture", path=state["image_path"], mime="image/png")]
    if state["workflow"] == "audio" and state["audio_buffer"]:
        return [cl.Audio(name="voice", mime="audio/mpeg", content=state["audio_buffer"], auto_play=True)]
    return []


def _opened() -> Services:
    if _services is None:
        raise RuntimeError("the companion is not started: call start() first, as Chainlit does")
    return _services


def _wav(chunks: list[bytes]) -> bytes:
    """A WAV file of what the page recorded; empty if it recorded nothing."""
    samples = b"".join(chunks)
    if not samples:
        return b""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(SAMPLE_RATE)
        recording.writeframes(samples)
    return file.getvalue()
