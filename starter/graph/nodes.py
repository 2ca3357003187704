"""The nodes of the agent's graph."""

import os
from uuid import uuid4

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig

from .state import AICompanionState, Services


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
    os.makedirs(services.settings.IMAGE_FOLDER, exist_ok=True)
    img_path = os.path.join(services.settings.IMAGE_FOLDER, f"image_{uuid4()}.png")
    await services.text_to_image.generate_image(scenario.image_prompt, img_path)
    return {"messages": AIMessage(content=scenario.narrative), "image_path": img_path}


def memory_injection_node(state: AICompanionState, config: RunnableConfig) -> dict[str, str]:
    """Recall what has to do with the last messages of the conversation `config["configurable"]["thread_id"]`.

    Returns:
        The memories, a line each; empty where there are none, or where the memory service fails.
    """
    services: Services = config["configurable"]["services"]
    if services.memory_manager is None:
        return {"memory_context": ""}
    recent_context = " ".join(str(message.content) for message in state["messages"][-3:])
    memories = services.memory_manager.get_relevant_memories(config["configurable"]["thread_id"], recent_context)
    return {"memory_context": services.memory_manager.format_memories_for_prompt(memories)}
