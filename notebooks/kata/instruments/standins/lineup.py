"""Several stand-ins at once, and the settings with which the companion reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from .elevenlabs import ElevenLabsStandIn
from .embeddings import EmbeddingsStandIn
from .groq import GroqStandIn
from .heart import Heart
from .images import ImagesStandIn
from .server import StandIn
from .whatsapp import WhatsAppStandIn

_KINDS: Mapping[str, type[StandIn]] = {
    kind.name: kind for kind in (GroqStandIn, ElevenLabsStandIn, WhatsAppStandIn, ImagesStandIn, EmbeddingsStandIn)
}

EVERYBODY = tuple(_KINDS)
"""The names of all of them."""


class Providers:
    """The stand-ins that were started, each under its name."""

    groq: GroqStandIn
    elevenlabs: ElevenLabsStandIn
    whatsapp: WhatsAppStandIn
    images: ImagesStandIn
    embeddings: EmbeddingsStandIn

    def __init__(self, started: Mapping[str, StandIn]) -> None:
        self._started = dict(started)
        self.__dict__.update(started)

    def __getattr__(self, name: str) -> StandIn:
        if name in _KINDS:
            names = ", ".join(repr(each) for each in (*self.__dict__.get("_started", ()), name))
            raise AttributeError(f"The {name} stand-in was not started: write providers({names}).")
        raise AttributeError(f"There is no {name!r} among the stand-ins: {', '.join(_KINDS)}.")

    def __iter__(self) -> Iterator[StandIn]:
        return iter(self._started.values())

    def settings(self) -> dict[str, str]:
        """Environment variables for those that were started: base URLs, and keys that are obvious dummies."""
        return {name: value for stand_in in self for name, value in stand_in.settings().items()}


@contextmanager
def providers(*names: str, pulse: Heart | None = None) -> Iterator[Providers]:
    """Start the named stand-ins (groq, elevenlabs, whatsapp, images, embeddings), and stop them at the end.

    If `pulse` is given, their journals note its beats. Raises ValueError for a name that is none of these.
    """
    for name in names:
        if name not in _KINDS:
            raise ValueError(f"There is no stand-in named {name!r}: choose from {', '.join(_KINDS)}.")
    with ExitStack() as running:
        yield Providers({name: running.enter_context(_KINDS[name](pulse=pulse)) for name in dict.fromkeys(names)})
