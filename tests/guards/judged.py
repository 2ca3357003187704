"""What the audit finds in public packages, as somebody has read and judged it, in judged.toml.

Run as a program with folders of packages, it names the findings that are to be read:
`uv run python tests/guards/judged.py FOLDER...`
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kata.guards import audit_code

FILE = Path(__file__).with_name("judged.toml")

SAMPLE = 50
"""How many findings are read of the packages that are not installed."""

Place = tuple[str, int, str]
"""A file, from the package's folder on, a line and a rule."""


@dataclass(frozen=True)
class Package:
    """A public package.

    Attributes:
        name: Its name in the registry.
        folder: The name it is imported by.
        lines: Of all its Python files.
        findings: How many the audit has.
        installed: Whether the course installs it, so that all of them were read.
    """

    name: str
    version: str
    folder: str
    lines: int
    findings: int
    installed: bool


@dataclass(frozen=True)
class Judgement:
    """A finding that was read in its source.

    Attributes:
        verdict: true, harmless or false, as the head of the file explains them.
        because: Why, in a few words.
    """

    package: str
    path: str
    line: int
    rule: str
    verdict: str
    because: str

    @property
    def place(self) -> Place:
        return self.path, self.line, self.rule


def stored() -> tuple[list[Package], list[Judgement]]:
    """What is written down."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [Package(**each) for each in table["package"]], [Judgement(**each) for each in table["finding"]]


def found(folders: Iterable[Path]) -> tuple[set[Place], int]:
    """What the audit finds in packages' folders now, and how many lines it has read."""
    folders = list(folders)
    report = audit_code(*folders)
    roots = sorted({folder.parent for folder in folders})
    places = {(_below(roots, issue.path), issue.line, issue.rule.id) for issue in report.issues}
    return places, report.lines


def sample(places: Iterable[Place]) -> list[Place]:
    """Fifty of them, by the hash of each, so that everybody draws the same and one that is mended moves one up."""
    return sorted(places, key=lambda place: hashlib.sha256("\0".join(map(str, place)).encode()).hexdigest())[:SAMPLE]


def _below(roots: Iterable[Path], path: str) -> str:
    return next(Path(path).relative_to(root).as_posix() for root in roots if Path(path).is_relative_to(root))


if __name__ == "__main__":
    for place in sorted(sample(found(map(Path, sys.argv[1:]))[0])):
        print(*place)
