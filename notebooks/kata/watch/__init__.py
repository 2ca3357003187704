"""`kata watch`: from a save to the verdicts that it changes, in a terminal."""

from kata.watch.session import watch

__all__ = ["watch"]
