"""What a finding's tests import before they run, read from the sources: what a server can have ready for them.

Only libraries and the course's own package. The packages under test and the tests are never among them: each verdict
reads those anew.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from kata.audit import Finding, project_root
from kata.syntax import parse

COSTLY = frozenset({"chainlit"})
"""Packages that take longer to import than all the others together (4 to 5 s): only who needs one waits for it."""

_PACKAGES = ("starter", "solution")
_UNDER_TEST = frozenset({*_PACKAGES, "workspace", "tests"})

Imports = frozenset[tuple[str, str]]
"""Modules, and the name that is wanted of each, or an empty string."""


@cache
def is_costly(finding: Finding) -> bool:
    """Whether a finding's tests need one of `COSTLY`."""
    return any(module.partition(".")[0] in COSTLY for module, _ in imports_of(finding))


def imports_of(finding: Finding) -> Imports:
    """What a finding's tests, and its code in starter and solution, import."""
    root = project_root()
    files = [root / finding.tests, (root / finding.tests).with_name("conftest.py")]
    files += [root / package / location.path for package in _PACKAGES for location in finding.where]
    return frozenset(_absolute(files))


def preload(imports: Iterable[tuple[str, str]]) -> None:
    """Import them. What cannot be imported is left out: whoever needs it will say so."""
    for module, name in sorted(imports):
        try:
            __import__(module, fromlist=[name] if name else ())
        except Exception:
            continue


def _absolute(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """What files import absolutely, and what the files import that they import relatively."""
    seen, todo = set[Path](), list(files)
    while todo:
        file = todo.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names if _may_be_ready(alias.name))
            elif isinstance(node, ast.ImportFrom) and node.level:
                todo += _neighbours(file, node)
            elif isinstance(node, ast.ImportFrom) and _may_be_ready(str(node.module)):
                yield from ((str(node.module), alias.name) for alias in node.names)


def _tree(file: Path) -> ast.AST:
    try:
        return parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])  # whoever imports it will say so


def _may_be_ready(module: str) -> bool:
    top = module.partition(".")[0]
    return top not in _UNDER_TEST and top not in sys.builtin_module_names


def _neighbours(file: Path, node: ast.ImportFrom) -> list[Path]:
    folder = file.parents[node.level - 1].joinpath(*(node.module or "").split(".") if node.module else ())
    return [folder.with_suffix(".py"), *(folder / f"{alias.name}.py" for alias in node.names)]
