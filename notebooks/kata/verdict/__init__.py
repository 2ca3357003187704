"""Runs a finding's tests on a package, in a process of its own, and says what it saw."""

from kata.verdict.judge import judge
from kata.verdict.model import Status, Verdict

__all__ = ["Status", "Verdict", "judge"]
