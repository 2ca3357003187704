"""The agent's graph: remember, choose a way to answer, recall, answer, and summarize what has become long."""

from langgraph.graph import START, StateGraph

from .edges import select_workflow, should_summarize_conversation
from .nodes import (
    audio_node,
    conversation_node,
    image_node,
    memory_extraction_node,
    memory_injection_node,
    router_node,
    summarize_conversation_node,
)
from .state import AICompanionState

ANSWERS = ("conversation_node", "image_node", "audio_node")


def _build() -> StateGraph:
    builder = StateGraph(AICompanionState)
    for node in (
        memory_extraction_node,
        router_node,
        memory_injection_node,
        conversation_node,
        image_node,
        audio_node,
        summarize_conversation_node,
    ):
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "memory_extraction_node")
    builder.add_edge("memory_extraction_node", "router_node")
    builder.add_edge("router_node", "memory_injection_node")
    builder.add_conditional_edges("memory_injection_node", select_workflow)
    for answer in ANSWERS:
        builder.add_conditional_edges(answer, should_summarize_conversation)
    return builder


graph_builder = _build()
"""To be compiled with a checkpointer; a run needs `thread_id` and `services` in its configuration."""
