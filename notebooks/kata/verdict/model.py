"""What a verdict is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kata.instruments.culprit import Culprit


class Status(StrEnum):
    """How a finding stands in a package."""

    UNTOUCHED = "untouched"
    PRESENT = "present"
    BROKEN = "broken"
    FIXED = "fixed"
    ERROR = "error"


class Behaviour(StrEnum):
    """Whether the package still does what the starter did."""

    KEPT = "kept"
    CHANGED = "changed"


@dataclass(frozen=True)
class Verdict:
    """What the judge saw.

    Attributes:
        id: The finding's id.
        status: How the finding stands.
        behaviour: Kept or changed, or None where it could not be seen.
        culprit: The line that holds the event loop, or at which the code failed, or None.
        message: What was seen, in a sentence or a few lines.
        seconds: How long it took to judge.
    """

    id: str
    status: Status
    behaviour: Behaviour | None
    culprit: Culprit | None
    message: str
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, for JSON."""
        return {
            "id": self.id,
            "status": str(self.status),
            "behaviour": None if self.behaviour is None else str(self.behaviour),
            "culprit": None if self.culprit is None else self.culprit.as_dict(),
            "message": self.message,
            "seconds": round(self.seconds, 3),
        }
