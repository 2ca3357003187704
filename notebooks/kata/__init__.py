"""What the lessons of Unblock the Loop import: the pulse, the stand-ins, the charts, and the verdict."""

from importlib import import_module
from typing import Any

_HOMES = {
    "Pulse": "kata.instruments.pulse",
    "LoopBlocked": "kata.instruments.pulse",
    "bench": "kata.lesson",
    "board": "kata.lesson",
    "check": "kata.lesson",
    "cost": "kata.instruments.charts",
    "deliveries": "kata.instruments.charts",
    "diff": "kata.lesson",
    "ecg": "kata.instruments.charts",
    "gantt": "kata.instruments.charts",
    "hint": "kata.lesson",
    "lanes": "kata.instruments.charts",
    "lessons": "kata.lesson",
    "machine": "kata.lesson",
    "measured": "kata.prediction.cells",
    "predict": "kata.prediction.cells",
    "predictions": "kata.prediction.cells",
    "providers": "kata.instruments.standins",
    "queue": "kata.instruments.charts",
    "ready": "kata.lesson",
    "slow_disk": "kata.instruments.disk",
    "stalled_disk": "kata.instruments.disk",
    "staircase": "kata.instruments.charts",
    "turn": "kata.lesson",
    "voice_note": "kata.audio",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - the names are looked up when they are asked for


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kata' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
