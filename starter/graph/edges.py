"""Where the agent's graph goes next."""

from typing import Literal

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END

from .state import AICompanionState, Services


def select_workflow(state: AICompanionState) -> Literal["conversation_node", "image_node", "audio_node"]:
    """The node that answers in the way that the router chose."""
    return f"{state['workflow']}_node"


def should_summarize_conversation(
    state: AICompanionState, config: RunnableConfig
) -> Literal["summarize_conversation_node", "__end__"]:
    """The summary, once the conversation has become long, and otherwise the end."""
    services: Services = config["configurable"]["services"]
    is_long = len(state["messages"]) > services.settings.SUMMARY_TRIGGER_MESSAGES
    return "summarize_conversation_node" if is_long else END
