"""What happens to a service in the course of a soak, and the settings under which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

THRESHOLD = 3
"""Failures in a row that open a breaker."""

RECOVERY = 2.0
"""Seconds that a breaker stays open."""

PATIENT: Mapping[str, str] = {
    "BREAKER_FAILURE_THRESHOLD": str(THRESHOLD),
    "BREAKER_RECOVERY_SECONDS": str(RECOVERY),
    "STT_BACKOFF_SECONDS": "0.2",
}
"""Settings of a companion that waits for its providers as long as it does by default."""

HURRIED: Mapping[str, str] = {**PATIENT, "WORKFLOW_TIMEOUT_SECONDS": "1.5"}
"""Settings of one that gives up, and so cancels its requests, when a provider keeps silent."""

SHORTEST = 2.0
"""Seconds that a trouble lasts at least: longer than a hurried companion waits."""

SPEED = 5.0
"""How much faster the providers are than in the bench: a soak is about many messages, and not about waiting."""

SLOWNESS = 5.0
"""How much slower they get where they are slow."""


class Trouble(StrEnum):
    """What can be the matter with the providers, or with the callers."""

    NONE = "nothing"
    STORM = "429 storms"
    DROPS = "dropped connections"
    SLOW = "slow providers"
    SILENT = "silent providers"
    DOWN = "two providers down"
    HASTY = "callers that hang up"
    NO_VOICE = "speech is down"
    MUTE = "speech is silent"


ROUND = (Trouble.STORM, Trouble.DROPS, Trouble.SLOW, Trouble.SILENT, Trouble.DOWN, Trouble.HASTY)
"""What a round is made of. The others are for the examination of the breaker."""
