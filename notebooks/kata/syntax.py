"""Python's syntax trees, made by one thread at a time."""

from __future__ import annotations

import ast
import threading

_one_at_a_time = threading.RLock()


def parse(source: str | bytes, filename: str = "<unknown>") -> ast.Module:
    """What `ast.parse` gives.

    Python 3.11 counts how deep it is in a tree in one place for all threads: two that parse at the same time may end in
    ``SystemError: AST constructor recursion depth mismatch``. Verdicts are asked for in several threads, and so are the
    servers that prepare them.

    Raises:
        SyntaxError: If it is no Python.
        ValueError: If it has null bytes in it.
        RecursionError: If it is nested too deeply.
    """
    with _one_at_a_time:
        return ast.parse(source, filename)
