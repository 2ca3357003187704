"""The nodes of the agent's graph."""

import asyncio
import logging
import os
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import StreamWriter

from .state import AICompanionState, Services

logger = logging.getLogger(__name__)


async def memory_extraction_node(state: AICompanionState, config: RunnableConfig) -> dict[str, Any]:
    """Keep what the last message tells about its writer."""
    services: Services = config["configurable"]["services"]
    if services.memory_manager is not None:
        message = str(state["messages"][-1].content)
        await services.memory_manager.extract_and_store_memories(config["configurable"]["thread_id"], message)
    return {}


async def router_node(state: AICompanionState, config: RunnableConfig) -> dict[str, str]:
    """Decide how the last message is answered.

    Raises:
        ChatError: If the language model failed.
    """
    services: Services = config["configurable"]["services"]
    last = state["messages"][-services.settings.ROUTER_MESSAGES :]
    return {"workflow": await services.chat_model.route(last)}


async def memory_injection_node(state: AICompanionState, config: RunnableConfig) -> dict[str, str]:
    """Recall what has to do with the last messages of the conversation `config["configurable"]["thread_id"]`.

    Returns:
        The memories, a line each; empty where there are none, or where the memory service fails.
    """
    services: Services = config["configurable"]["services"]
    if services.memory_manager is None:
        return {"memory_context": ""}
    recent_context = " ".join(str(message.content) for message in state["messages"][-3:])
    memories = await services.memory_manager.get_relevant_memories(config["configurable"]["thread_id"], recent_context)
    return {"memory_context": services.memory_manager.format_memories_for_prompt(memories)}


async def conversation_node(
    state: AICompanionState, config: RunnableConfig, writer: StreamWriter
) -> dict[str, AIMessage]:
    """Answer in words, and write each piece of them to the stream as it comes.

    Raises:
        ChatError: If the language model failed.
    """
    return {"messages": AIMessage(content=await _answer(state, config, writer))}


async def image_node(state: AICompanionState, config: RunnableConfig) -> dict[str, AIMessage | str]:
    """Answer with a picture.

    Returns:
        The message that goes with the picture, and the picture's path.

    Raises:
        TextToImageError: If the picture could not be imagined or drawn.
        OSError: If it cannot be kept.
    """
    services: Services = config["configurable"]["services"]
    history = [str(message.content) for message in state["messages"][-services.settings.IMAGE_HISTORY_MESSAGES :]]
    scenario = await services.text_to_image.create_scenario(history)
    await asyncio.to_thread(os.makedirs, services.settings.IMAGE_FOLDER, exist_ok=True)
    img_path = os.path.join(services.settings.IMAGE_FOLDER, f"image_{uuid4()}.png")
    await services.text_to_image.generate_image(scenario.image_prompt, img_path)
    return {"messages": AIMessage(content=scenario.narrative), "image_path": img_path}


async def audio_node(
    state: AICompanionState, config: RunnableConfig, writer: StreamWriter
) -> dict[str, AIMessage | bytes]:
    """Answer with speech, and in words: in words alone where the speech fails.

    Raises:
        ChatError: If the language model failed.
    """
    services: Services = config["configurable"]["services"]
    text = await _answer(state, config, writer)
    try:
        audio = await services.text_to_speech.synthesize_with_fallback(text)
    except ValueError as error:
        logger.warning("Answering in text only: %s", error)
        audio = None
    return {"messages": AIMessage(content=text), "audio_buffer": audio or b""}


async def summarize_conversation_node(state: AICompanionState, config: RunnableConfig) -> dict[str, Any]:
    """Put the older part of a long conversation into a summary.

    Raises:
        ChatError: If the language model failed.
    """
    services: Services = config["configurable"]["services"]
    older = state["messages"][: -services.settings.SUMMARY_KEPT_MESSAGES]
    summary = await services.chat_model.summarize(older, state.get("summary", ""))
    return {"summary": summary, "messages": [RemoveMessage(id=message.id) for message in older]}


async def _answer(state: AICompanionState, config: RunnableConfig, writer: StreamWriter) -> str:
    services: Services = config["configurable"]["services"]
    pieces = []
    async for piece in services.chat_model.answer(
        state["messages"], memories=state.get("memory_context", ""), summary=state.get("summary", "")
    ):
        writer(piece)
        pieces.append(piece)
    return "".join(pieces)
