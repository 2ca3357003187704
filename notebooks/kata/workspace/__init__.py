"""The learner's own copy of the starter: made, put back, brought back, and how far it has come."""

from kata.workspace.copies import Copy, NoSuchCopy, copies
from kata.workspace.making import Start, add_missing, start
from kata.workspace.resetting import NothingToReset, PutBack, Reset, Undone, reset, undo

__all__ = [
    "Copy",
    "NoSuchCopy",
    "NothingToReset",
    "PutBack",
    "Reset",
    "Start",
    "Undone",
    "add_missing",
    "copies",
    "reset",
    "start",
    "undo",
]
