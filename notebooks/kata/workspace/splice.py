"""Puts definitions of one source into another, lines for lines, with what they need; all else stays as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kata.workspace.source import Definition, NotPython, Source, attributes, bound, imported, same, used


class CannotSplice(ValueError):
    """The definitions cannot be put into this source; the message says why."""


@dataclass(frozen=True)
class Spliced:
    """A source with definitions put back.

    Attributes:
        data: The module's bytes.
        names: The definitions that had to change, and the statements that had to be added.
    """

    data: bytes
    names: tuple[str, ...]


def splice(mine: bytes, original: bytes, names: Sequence[str]) -> Spliced:
    """Put definitions of the original module into mine.

    With a definition comes what it needs and mine lacks or has changed: the imports and constants it reads; functions
    and classes of the module; and of its class, the methods that are tied to it by an attribute which one of them
    gives a value, such as the ``__init__`` that builds the client.

    Args:
        mine: The module to be changed.
        original: The module that has the definitions.
        names: Their qualified names.

    Raises:
        NotPython: If mine does not parse.
        CannotSplice: If mine is empty, or uses a name that is needed for something else.
    """
    here, there = Source.of(mine), Source.of(original)
    if not here.tree.body:
        raise CannotSplice("it is empty")
    needs = _needs(here, there, names)
    edits = [_put_in(here, there, name) for name in needs.definitions]
    edits += [_added_on_top(here, there, statement) for statement in needs.statements]
    if not edits:
        return Spliced(mine, ())
    data = _applied(here, edits)
    _prove(data, there, names)
    return Spliced(data, (*needs.definitions, *(ast.unparse(each).partition("\n")[0] for each in needs.statements)))


@dataclass(frozen=True)
class _Edit:
    """Lines to be replaced: from `first` on, up to but without `end`, counted from 1."""

    first: int
    end: int
    lines: tuple[str, ...]


@dataclass
class _Needs:
    """What mine has to get from the original: definitions by name, and statements for its top."""

    definitions: list[str] = field(default_factory=list)
    statements: list[ast.stmt] = field(default_factory=list)


def _needs(here: Source, there: Source, names: Iterable[str]) -> _Needs:
    needs, met, waiting = _Needs(), set[str](), list(names)
    while waiting:
        name = waiting.pop(0)
        if here.scope(name) is None:
            name = name.rpartition(".")[0]  # mine lacks the class around it
        definition, class_name = there.definition(name), name.rpartition(".")[0]
        if definition is None:
            raise CannotSplice(f"the starter has no {name}")
        if name in met:
            continue
        met.add(name)
        _refuse_other_bindings(here, name)
        if not same(here.definition(name), definition):
            needs.definitions.append(name)
        if class_name:
            waiting += _tied(here, there, class_name, met)
        waiting += _read(here, there, definition, needs.statements, except_for=class_name)
    whole = set(needs.definitions)
    needs.definitions = [name for name in needs.definitions if name.rpartition(".")[0] not in whole]
    return needs


def _read(here: Source, there: Source, code: ast.AST, additions: list[ast.stmt], except_for: str) -> list[str]:
    """The definitions that a piece of code reads and mine lacks or has changed. Statements that it reads are added."""
    definitions = []
    for name in sorted(used(code) - {except_for}):
        if original := there.definition(name):
            if not same(here.definition(name), original):
                definitions.append(name)
        elif statement := next((each for each in there.tree.body if name in bound(each)), None):
            addition = _addition(here, statement, name)
            if addition is not None and not any(same(addition, each) for each in additions):
                additions.append(addition)
                definitions += _read(here, there, addition, additions, except_for)
    return definitions


def _addition(here: Source, statement: ast.stmt, name: str) -> ast.stmt | None:
    """What has to be added to mine so that a name means what it means in the original, or None."""
    origin = imported(statement).get(name)
    mine = [each for each in here.tree.body if name in bound(each)]
    if origin and any(imported(each).get(name) != origin for each in mine):
        raise CannotSplice(f"{name} means something else here, from line {mine[0].lineno} on")
    if mine:
        return None
    if isinstance(statement, ast.ImportFrom | ast.Import):
        aliases = [each for each in statement.names if (each.asname or each.name.partition(".")[0]) == name]
        if isinstance(statement, ast.Import):
            return ast.Import(aliases)
        return ast.ImportFrom(statement.module, aliases, statement.level)
    return statement


def _refuse_other_bindings(here: Source, name: str) -> None:
    """A name that is bound twice means the second thing, and putting back the first would change nothing."""
    outer, _, short = name.rpartition(".")
    scope = here.scope(name)
    bindings = [each for each in (scope.body if scope else ()) if short in bound(each)]
    if len(bindings) > 1 or not all(isinstance(each, Definition) for each in bindings):
        raise CannotSplice(f"{name} is given a value in another way, on line {bindings[-1].lineno}")
    if outer:
        _refuse_other_bindings(here, outer)


def _tied(here: Source, there: Source, class_name: str, wanted: Iterable[str]) -> list[str]:
    """Methods that have changed, and that share with those wanted an attribute to which one of them gives a value."""
    together = [node for each in wanted if each.startswith(f"{class_name}.") and (node := there.definition(each))]
    uses = set[str]().union(*(attributes(node) for node in together))
    stores = set[str]().union(*(attributes(node, stored=True) for node in together))
    original = there.definition(class_name)
    return [
        f"{class_name}.{method.name}"
        for method in (original.body if original else ())
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and (method.name in uses or attributes(method, stored=True) & uses or attributes(method) & stores)
        and not same(here.definition(f"{class_name}.{method.name}"), method)
    ]


def _put_in(here: Source, there: Source, name: str) -> _Edit:
    """Replace a definition, or add it after those that stand before it in the original."""
    scope, original = here.scope(name) or here.tree, there.scope(name) or there.tree
    short = name.rpartition(".")[2]
    order = [each.name for each in original.body if isinstance(each, Definition)]
    definition = next(each for each in original.body if getattr(each, "name", None) == short)
    lines = _with_ends_of(here, there.lines_of(definition))
    mine = {each.name: each for each in scope.body if isinstance(each, Definition)}
    if short in mine:
        first, last = here.span(mine[short])
        return _Edit(first, last + 1, lines)
    before = [mine[each] for each in order[: order.index(short)] if each in mine]
    place = here.span((before or scope.body)[-1])[1] + 1
    gap = (here.newline,) * (1 if "." in name else 2)
    return _Edit(place, place, (*gap, *lines))


def _added_on_top(here: Source, there: Source, statement: ast.stmt) -> _Edit:
    """An import, or another statement of the original, behind the imports and the docstring."""
    imports = isinstance(statement, ast.Import | ast.ImportFrom)
    lines = [ast.unparse(statement)] if imports else ["", *there.lines_of(statement)]
    top = [each for each in here.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    if not top and ast.get_docstring(here.tree) is not None:
        top = here.tree.body[:1]
    place = here.span(top[-1])[1] + 1 if top else 1
    return _Edit(place, place, _with_ends_of(here, lines))


def _with_ends_of(here: Source, lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(line.rstrip("\r\n") + here.newline for line in lines)


def _applied(here: Source, edits: Sequence[_Edit]) -> bytes:
    lines, made, line = list(here.lines), [], 1
    if not lines[-1].endswith(("\n", "\r")):
        lines[-1] += here.newline
    for edit in sorted(edits, key=lambda edit: (edit.first, edit.end)):
        made += [*lines[line - 1 : edit.first - 1], *edit.lines]
        line = edit.end
    try:
        return "".join([*made, *lines[line - 1 :]]).encode(here.encoding)
    except UnicodeEncodeError as error:
        raise CannotSplice(f"the starter's text cannot be written in {here.encoding}: {error}") from None


def _prove(data: bytes, there: Source, names: Iterable[str]) -> None:
    """Read what was made once more: it has to parse, and to hold what was wanted."""
    try:
        made = Source.of(data)
    except NotPython as error:
        raise CannotSplice(f"it would not be Python any more: {error}") from None
    for name in names:
        if not same(made.definition(name), there.definition(name)):
            raise CannotSplice(f"{name} would not be that of the starter")
