"""A module's source: its definitions, what each of them needs, and where its lines are."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from kata.syntax import parse

_LINE = re.compile(r".*?(?:\r\n|\n|\r)|.+\Z", re.DOTALL)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Scope = ast.Module | ast.ClassDef


class NotPython(ValueError):
    """The module does not parse; the message says why."""


@dataclass(frozen=True)
class Source:
    """A module's text, and how its bytes are made of it.

    Attributes:
        text: Its text, line ends as they are in the file.
        encoding: What its bytes are written in.
        tree: Its syntax tree.
    """

    text: str
    encoding: str
    tree: ast.Module

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Read a module.

        Raises:
            NotPython: If it does not parse.
        """
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
            text = data.decode(encoding)
            with warnings.catch_warnings(action="ignore"):  # about the learner's string escapes
                return cls(text, encoding, parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise NotPython(str(error)) from None

    @cached_property
    def lines(self) -> list[str]:
        """Its lines with their ends, broken as the parser breaks them."""
        return _LINE.findall(self.text)

    @property
    def newline(self) -> str:
        """How its first line ends."""
        return next((end for end in ("\r\n", "\n", "\r") if self.lines and self.lines[0].endswith(end)), "\n")

    def definition(self, name: str) -> Definition | None:
        """The function or class of a qualified name, or None."""
        scope: Scope | Definition = self.tree
        for part in name.split("."):
            found = next((node for node in scope.body if getattr(node, "name", None) == part), None)
            if not isinstance(found, Definition):
                return None
            scope = found
        return scope if isinstance(scope, Definition) else None

    def scope(self, name: str) -> Scope | None:
        """What a qualified name stands in: the module, a class, or None where that class is not there."""
        outer = name.rpartition(".")[0]
        found = self.definition(outer) if outer else self.tree
        return found if isinstance(found, Scope) else None

    def span(self, node: ast.stmt) -> tuple[int, int]:
        """The first and the last line of a statement, its decorators included, counted from 1."""
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        while getattr(node, "decorator_list", ()) and not self.lines[first - 1].lstrip().startswith("@"):
            first -= 1
        return first, node.end_lineno or node.lineno

    def lines_of(self, node: ast.stmt) -> list[str]:
        """A statement's lines, its decorators included."""
        first, last = self.span(node)
        return self.lines[first - 1 : last]


def same(one: ast.AST | None, other: ast.AST | None) -> bool:
    """Whether two pieces of code are the same, formatting and comments aside."""
    return one is not None and other is not None and ast.dump(one) == ast.dump(other)


def bound(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value in the scope it stands in."""
    if isinstance(statement, Definition):
        return {statement.name}
    return {name for node in _outside_functions(statement) for name in _names_bound_by(node)}


def imported(statement: ast.stmt) -> dict[str, tuple[str, ...]]:
    """The names that an import binds, each with where it comes from."""
    if isinstance(statement, ast.Import):
        return {
            each.asname or each.name.partition(".")[0]: (each.name if each.asname else each.name.partition(".")[0],)
            for each in statement.names
        }
    if isinstance(statement, ast.ImportFrom):
        origin = "." * statement.level + (statement.module or "")
        return {each.asname or each.name: (origin, each.name) for each in statement.names}
    return {}


def used(node: ast.AST) -> set[str]:
    """The names that a piece of code reads, its own local ones included."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def attributes(node: ast.AST, *, stored: bool = False) -> set[str]:
    """The attributes of ``self`` and ``cls`` that a method names, or only those that it gives a value."""
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.value, ast.Name)
        and each.value.id in ("self", "cls")
        and (not stored or isinstance(each.ctx, ast.Store))
    }


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, Definition | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _names_bound_by(node: ast.AST) -> Sequence[str]:
    if isinstance(node, Definition):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return list(imported(node))
    return []
