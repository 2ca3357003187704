"""Stand-ins: the providers as real HTTP servers on loopback, reached by their own SDKs.

Importing this package is cheap; the server's modules are imported with the first name that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .heart import Heart
from .journal import Call, UploadedFile

if TYPE_CHECKING:
    from .elevenlabs import ElevenLabsStandIn
    from .embeddings import EmbeddingsStandIn
    from .groq import GroqStandIn
    from .images import ImagesStandIn
    from .lineup import EVERYBODY, Providers, providers
    from .server import Pace, StandIn
    from .whatsapp import WhatsAppStandIn

__all__ = [
    "EVERYBODY",
    "Call",
    "ElevenLabsStandIn",
    "EmbeddingsStandIn",
    "GroqStandIn",
    "Heart",
    "ImagesStandIn",
    "Pace",
    "Providers",
    "StandIn",
    "UploadedFile",
    "WhatsAppStandIn",
    "providers",
]

_HOME = {
    "EVERYBODY": "lineup",
    "ElevenLabsStandIn": "elevenlabs",
    "EmbeddingsStandIn": "embeddings",
    "GroqStandIn": "groq",
    "ImagesStandIn": "images",
    "Pace": "server",
    "Providers": "lineup",
    "StandIn": "server",
    "WhatsAppStandIn": "whatsapp",
    "providers": "lineup",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
