"""The manifest's types: what was found, where it stands, and what the course has for it."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from kata.syntax import parse

PRIORITIES = ("high", "medium", "low")


class UnknownFinding(LookupError):
    """An id that the audit does not have; the message names those it has."""


@dataclass(frozen=True)
class Section:
    """A chapter of the report.

    Attributes:
        notebook: The one lesson for the whole chapter, below ``notebooks/``; None where each finding has its own.
        teach: Minutes for reading and running that lesson.
        do: Minutes for what it lets one try.
    """

    number: str
    title: str
    notebook: str | None = None
    teach: int = 0
    do: int = 0


@dataclass(frozen=True)
class Location:
    """A place in a package, without a line number.

    Attributes:
        path: The module's file, relative to the package's folder.
        qualname: The function's or class's qualified name; empty for the whole module.
    """

    path: str
    qualname: str

    @classmethod
    def parse(cls, text: str) -> Location:
        path, _, qualname = text.partition("::")
        return cls(path, qualname)

    def __str__(self) -> str:
        return f"{self.path}::{self.qualname}" if self.qualname else self.path

    def find(self, package: Path) -> ast.AST | None:
        """The definition's syntax tree in a package's folder, or None where it does not stand.

        Raises:
            SyntaxError: If the module is no Python.
        """
        try:
            node: ast.AST = parse((package / self.path).read_bytes(), self.path)
        except FileNotFoundError:
            return None
        for name in filter(None, self.qualname.split(".")):
            found = next((n for n in getattr(node, "body", []) if getattr(n, "name", None) == name), None)
            if found is None:
                return None
            node = found
        return node

    def line(self, package: Path) -> int | None:
        """The line on which the definition begins in a package's folder, counted from 1, or None."""
        node = self.find(package)
        return None if node is None else getattr(node, "lineno", 1)


@dataclass(frozen=True)
class Finding:
    """One finding, of the report or beyond it. Minutes are for reading and running the lesson, and for the refactoring.

    Attributes:
        notebook: The lesson's file below ``notebooks/``.
        tests: The tests' file below the project's root.
    """

    id: str
    title: str
    priority: str
    where: tuple[Location, ...]
    impact: str
    advice: str
    teach: int
    do: int
    hints: tuple[str, ...]
    notebook: str
    tests: str


@dataclass(frozen=True)
class Pattern:
    """A good example of the audit.

    Attributes:
        tests: The tests' file below the project's root.
    """

    id: str
    title: str
    where: tuple[Location, ...]
    tests: str


@dataclass(frozen=True)
class Audit:
    """The whole report, and what lies beyond it.

    Attributes:
        beyond: What the report overlooked; on the board once it has been found.
    """

    sections: tuple[Section, ...]
    findings: tuple[Finding, ...]
    patterns: tuple[Pattern, ...]
    beyond: tuple[Finding, ...]

    @property
    def everything(self) -> tuple[Finding, ...]:
        """The report's findings, and those beyond it."""
        return (*self.findings, *self.beyond)

    def patterns_of(self, section: Section) -> tuple[Pattern, ...]:
        """The good examples of a chapter."""
        return tuple(pattern for pattern in self.patterns if pattern.id.startswith(f"{section.number}."))

    def finding(self, id: str) -> Finding:
        """The finding with this id, of the report or beyond it.

        Raises:
            UnknownFinding: If there is none; those beyond the report are not given away.
        """
        for finding in self.everything:
            if finding.id == id:
                return finding
        raise UnknownFinding(f"no finding {id!r}: there are {', '.join(f.id for f in self.findings)}")


@cache
def audit() -> Audit:
    """The manifest, as `audit.toml` has it."""
    table = tomllib.loads(resources.files("kata").joinpath("audit.toml").read_text(encoding="utf-8"))
    return Audit(
        sections=tuple(Section(**section) for section in table["section"]),
        findings=tuple(_finding(entry) for entry in table["finding"]),
        patterns=tuple(_pattern(entry) for entry in table["pattern"]),
        beyond=tuple(_finding(entry) for entry in table["beyond"]),
    )


def project_root() -> Path:
    """The folder of the checkout: the one that holds ``starter/`` and ``tests/``."""
    return Path(__file__).resolve().parents[2]


def _finding(entry: dict[str, Any]) -> Finding:
    if entry["priority"] not in PRIORITIES:
        raise ValueError(f"finding {entry['id']}: priority {entry['priority']!r} is not one of {PRIORITIES}")
    rest = {key: entry[key] for key in ("id", "title", "priority", "impact", "advice", "teach", "do")}
    return Finding(
        **rest,
        where=_locations(entry),
        hints=tuple(entry["hints"]),
        notebook=entry["notebook"],
        tests=entry["tests"],
    )


def _pattern(entry: dict[str, Any]) -> Pattern:
    return Pattern(entry["id"], entry["title"], _locations(entry), entry["tests"])


def _locations(entry: dict[str, Any]) -> tuple[Location, ...]:
    return tuple(Location.parse(text) for text in entry["where"])
