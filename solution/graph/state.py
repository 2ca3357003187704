"""What the agent knows while it answers one message."""

from dataclasses import dataclass

from langgraph.graph import MessagesState

from ..modules.image.text_to_image import TextToImage
from ..modules.memory.long_term.memory_manager import MemoryManager
from ..settings import Settings


class AICompanionState(MessagesState):
    """The conversation, and what the nodes add to it.

    Attributes:
        image_path: Where the picture of the last answer is kept.
        memory_context: What the companion remembers that has to do with the last messages, a line each.
    """

    image_path: str
    memory_context: str


@dataclass(frozen=True)
class Services:
    """What the nodes work with, made once for the whole application: `config["configurable"]["services"]`.

    Attributes:
        memory_manager: The long-term memory, or None where the companion has to do without.
    """

    settings: Settings
    text_to_image: TextToImage
    memory_manager: MemoryManager | None = None
