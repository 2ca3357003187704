"""What can go wrong with a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class CannotBundle(RuntimeError):
    """The bundle cannot be made; the message says why, and what to do."""


class Unreachable(CannotBundle):
    """The registry does not answer."""


class NoWheel(CannotBundle):
    """Some packages have no wheel for a target.

    Attributes:
        missing: For each target, its packages without a wheel.
    """

    def __init__(self, missing: Mapping[str, Sequence[str]]) -> None:
        self.missing = missing
        lines = [f"{target}: no wheel of {', '.join(pins)}" for target, pins in missing.items()]
        super().__init__("\n".join([*lines, "nobody could install the course there without a network and a compiler"]))
