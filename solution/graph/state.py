"""What the agent knows while it answers one message, and what it works with."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from langgraph.graph import MessagesState

from ..modules.chat.chat_model import ChatModel, Workflow
from ..modules.image.image_to_text import ImageToText
from ..modules.image.text_to_image import TextToImage
from ..modules.memory.long_term.memory_manager import MemoryManager
from ..modules.speech.speech_to_text import SpeechToText
from ..modules.speech.text_to_speech import TextToSpeech
from ..settings import Settings


class AICompanionState(MessagesState):
    """The conversation, and what the nodes add to it.

    Attributes:
        summary: What was said before the first of the messages; empty at the beginning.
        workflow: How the last message is answered.
        memory_context: What the companion remembers that has to do with the last messages, a line each.
        image_path: Where the picture of the last answer is kept.
        audio_buffer: The last answer as speech, an MP3 file; empty if it could not be spoken.
    """

    summary: str
    workflow: Workflow
    memory_context: str
    image_path: str
    audio_buffer: bytes


@dataclass(frozen=True)
class Services:
    """What the companion works with, made once for the whole application: `config["configurable"]["services"]`.

    A part that is None is one that the application does without.
    """

    settings: Settings
    text_to_image: TextToImage | None = None
    memory_manager: MemoryManager | None = None
    chat_model: ChatModel | None = None
    image_to_text: ImageToText | None = None
    speech_to_text: SpeechToText | None = None
    text_to_speech: TextToSpeech | None = None

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """All of them.

        Raises:
            ValueError: If a key is not set.
        """
        return cls(
            settings=settings,
            text_to_image=TextToImage(settings),
            memory_manager=MemoryManager(settings),
            chat_model=ChatModel(settings),
            image_to_text=ImageToText(settings),
            speech_to_text=SpeechToText(settings),
            text_to_speech=TextToSpeech(settings),
        )

    async def close(self) -> None:
        """Close the connections of each, those of the others too if one fails."""
        async with AsyncExitStack() as stack:
            for part in (
                self.text_to_image,
                self.memory_manager,
                self.chat_model,
                self.image_to_text,
                self.speech_to_text,
                self.text_to_speech,
            ):
                if part is not None:
                    stack.push_async_callback(part.close)
