"""Which modules a finding's verdict depends on: those it is about, those its tests load, and what they import.

All of it is read from the code, so that a new finding, or a module that the learner adds, needs no list to be kept.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kata.audit import Finding, project_root
from kata.syntax import parse
from kata.workspace.files import modules
from kata.workspace.source import NotPython, Source, used

_AT_RUN_TIME = {"importlib", "__import__", "exec", "eval", "runpy"}


@dataclass(frozen=True)
class Reach:
    """The files that a verdict depends on, relative to the package's folder.

    Attributes:
        paths: The files, and those that would be imported in their place if they were there.
        everything: Whether it cannot be told, because a module of them is no Python or imports at run time.
    """

    paths: frozenset[str]
    everything: bool

    def __contains__(self, path: object) -> bool:
        return self.everything or path in self.paths


def reach(finding: Finding, folder: Path) -> Reach:
    """What the verdict on a finding depends on in a package's folder."""
    paths: set[str] = set()
    waiting = [*(location.path for location in finding.where), *_loaded_by_the_tests(finding)]
    everything = False
    while waiting:
        path = waiting.pop()
        if path in paths:
            continue
        paths.add(path)
        waiting += _packages_around(path)
        try:
            waiting += _imports(folder, path)
        except _Unknown:
            everything = True
    return Reach(frozenset(paths), everything)


def affected(findings: Iterable[Finding], folder: Path, changed: Iterable[str]) -> list[Finding]:
    """The findings whose verdicts depend on one of the changed files."""
    changed = set(changed)
    return [finding for finding in findings if any(path in reach(finding, folder) for path in changed)]


class _Unknown(Exception):
    """What a module imports cannot be told from its text."""


def _imports(folder: Path, path: str) -> list[str]:
    """The files that a module would import, whether they are there or not; none if it is not there itself."""
    file = folder / path
    if not file.is_file():
        return []
    try:
        tree = Source.of(file.read_bytes()).tree
    except (NotPython, OSError):
        raise _Unknown from None
    if _AT_RUN_TIME & {name.partition(".")[0] for name in used(tree) | {name for name, _ in _absolute(tree)}}:
        raise _Unknown
    package = path.split("/")[:-1]
    names = [
        *((f"{module}.{name}" if name else module).split(".")[1:] for module, name in _absolute(tree, folder.name)),
        *(stem for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for stem in _relative(node, package)),
    ]
    return [file for stem in names for file in _files(stem)]


def _absolute(tree: ast.Module, package: str | None = None) -> Iterator[tuple[str, str]]:
    """Modules imported by their full names, and names imported from them; all, or those of one package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [(each.name, "") for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [(node.module, ""), *((node.module, each.name) for each in node.names)]
        else:
            continue
        yield from (each for each in found if package is None or each[0].partition(".")[0] == package)


def _relative(node: ast.ImportFrom, package: list[str]) -> Iterator[list[str]]:
    if node.level:
        stem = [*package[: len(package) + 1 - node.level], *(node.module.split(".") if node.module else ())]
        yield stem
        yield from ([*stem, each.name] for each in node.names)


def _files(stem: list[str]) -> list[str]:
    place = "/".join(stem)
    return [f"{place}.py", f"{place}/__init__.py"] if place else ["__init__.py"]


def _packages_around(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for number in range(len(parts) + 1):
        yield "/".join([*parts[:number], "__init__.py"])


@cache
def _loaded_by_the_tests(finding: Finding) -> tuple[str, ...]:
    """The modules of the package that the finding's tests name, and those that the fixtures name which they use."""
    tests = project_root() / finding.tests
    code = [parse(tests.read_bytes())]
    fixtures = {
        node.name: node
        for node in parse(tests.with_name("conftest.py").read_bytes()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for part in code:  # grows by the fixtures that it names
        code += [fixtures.pop(name) for name in _names(part) & set(fixtures)]
    constants = [node.value for part in code for node in ast.walk(part) if isinstance(node, ast.Constant)]
    words = {value for value in constants if isinstance(value, str)}
    starter = project_root() / "starter"
    return tuple(path for path in modules(starter) if path.removesuffix(".py").replace("/", ".") in words)


def _names(code: ast.AST) -> set[str]:
    return used(code) | {node.arg for node in ast.walk(code) if isinstance(node, ast.arg)}
