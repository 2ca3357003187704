"""What can go wrong in the companion, in its own words."""


class CompanionError(Exception):
    """Base of all errors the companion raises on purpose."""


class CircuitOpenError(CompanionError):
    """A provider is not asked, because it failed too often a moment ago.

    Attributes:
        retry_after: Seconds until the provider may be asked again.
    """

    def __init__(self, name: str, retry_after: float) -> None:
        self.retry_after = max(retry_after, 0.0)
        super().__init__(f"{name} is not available, try again in {self.retry_after:.1f} s")


class ChatError(CompanionError):
    """The language model did not answer."""


class SpeechToTextError(CompanionError):
    """A voice note could not be turned into text."""


class TextToSpeechError(CompanionError):
    """A text could not be turned into speech."""


class TextToImageError(CompanionError):
    """A picture could not be imagined or drawn."""


class ImageToTextError(CompanionError):
    """A picture could not be described."""


class LongTermMemoryError(CompanionError):
    """Something could not be remembered or recalled."""


class WhatsAppError(CompanionError):
    """WhatsApp did not hand out or take what it was asked to."""
