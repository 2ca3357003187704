"""What the agent knows while it answers one message."""

from dataclasses import dataclass

from langgraph.graph import MessagesState

from ..modules.image.text_to_image import TextToImage
from ..settings import Settings


class AICompanionState(MessagesState):
    """The conversation, and what the nodes add to it.

    Attributes:
        image_path: Where the picture of the last answer is kept.
    """

    image_path: str


@dataclass(frozen=True)
class Services:
    """What the nodes work with, made once for the whole application: `config["configurable"]["services"]`."""

    settings: Settings
    text_to_image: TextToImage
