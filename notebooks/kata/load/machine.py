"""The machine that a bench ran on: what one has to know to read its figures."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import psutil

_PACKAGES = ("uvicorn", "fastapi", "httpx", "langgraph", "groq", "elevenlabs")


@dataclass(frozen=True)
class Machine:
    """Its facts. `memory` in bytes; `load` is the load average over a minute, before the bench began."""

    date: str
    system: str
    processor: str
    cores: int
    memory: int
    load: float
    python: str
    packages: dict[str, str]

    @classmethod
    def here(cls) -> Machine:
        """This one, now."""
        return cls(
            date=datetime.now(UTC).date().isoformat(),
            system=f"{platform.system()} {platform.release().partition('-')[0]}",
            processor=platform.machine(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            memory=psutil.virtual_memory().total,
            load=round(psutil.getloadavg()[0], 1),
            python=platform.python_version(),
            packages={name: metadata.version(name) for name in _PACKAGES},
        )

    def __str__(self) -> str:
        return (
            f"{self.cores} cores ({self.processor}), {self.memory / 2**30:.0f} GiB, {self.system}, "
            f"Python {self.python}, {self.date}, load before {self.load:g}"
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
