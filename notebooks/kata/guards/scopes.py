"""Which function or class a line stands in."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator


class Scopes:
    """The functions and classes of a file.

    Args:
        source: The file's bytes. Code that is too new for the running Python has no scopes.
    """

    def __init__(self, source: bytes) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            self._spans = []
        else:
            self._spans = list(_spans(tree, ""))

    def qualname(self, line: int) -> str:
        """The qualified name of the innermost function or class around a line; empty at the top of the module."""
        return next((name for first, last, name in reversed(self._spans) if first <= line <= last), "")


def _spans(node: ast.AST, prefix: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and name of every definition, the outer one before those inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            yield child.lineno, child.end_lineno or child.lineno, name
            yield from _spans(child, f"{name}.")
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _spans(child, prefix)
