"""Which function or class a line stands in."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from kata.syntax import parse

_DEFINITION = re.compile(r"\s*(?:async\s+def|def|class)\s+(?P<name>\w+)")


class Scopes:
    """The functions and classes of a file.

    Args:
        source: The file's text. Where it is too new for the running Python, its indentation tells.
    """

    def __init__(self, source: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = parse(source)
        except (SyntaxError, ValueError, RecursionError):
            self._spans = list(_indented(source.split("\n")))
        else:
            self._spans = list(_spans(tree, ""))

    def qualname(self, line: int) -> str:
        """The qualified name of the innermost function or class around a line; empty at the top of the module."""
        around = [(first, name) for first, last, name in self._spans if first <= line <= last]
        return max(around, default=(0, ""))[1]


def _spans(node: ast.AST, prefix: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and name of every definition."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            yield child.lineno, child.end_lineno or child.lineno, name
            yield from _spans(child, f"{name}.")
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _spans(child, prefix)


def _indented(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The same, read off the indentation."""
    open_ones: list[tuple[int, int, str]] = []
    for number, line in enumerate([*lines, "end"], 1):
        indent = len(line) - len(line.lstrip())
        while line.strip() and open_ones and indent <= open_ones[-1][0] and not line.lstrip().startswith(")"):
            _, first, name = open_ones.pop()
            yield first, number - 1, name
        found = _DEFINITION.match(line)
        if found is not None:
            prefix = f"{open_ones[-1][2]}." if open_ones else ""
            open_ones.append((indent, number, prefix + found["name"]))
