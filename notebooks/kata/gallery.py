"""Refactorings that went wrong, and right ones that are not ours: small changes to a package, with their verdicts.

One file per finding, `tests/gallery/1_4.toml`. Each turn is a list of exact replacements in the starter or in the
solution; `put_back` is the finding itself, put back into the solution, and so read backwards the finding's own fix.
Where one fix mends two findings, one of them says `put_back_of`, and the id of the other.
"""

from __future__ import annotations

import difflib
import shutil
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kata.audit import project_root


class DoesNotApply(ValueError):
    """A change's old text does not stand exactly once in the file it changes."""


@dataclass(frozen=True)
class Change:
    """An exact replacement in one file.

    Attributes:
        path: The file, relative to the package's folder.
        old: Text that stands exactly once in it.
        new: What takes its place.
    """

    path: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Make the change in a package's folder.

        Raises:
            DoesNotApply: If `old` does not stand exactly once in the file.
        """
        file = folder / self.path
        file.write_text(self.applied_to(file.read_text(encoding="utf-8")), encoding="utf-8")

    def applied_to(self, text: str) -> str:
        """The file's text with the change made.

        Raises:
            DoesNotApply: If `old` does not stand exactly once in it.
        """
        if text.count(self.old) != 1:
            raise DoesNotApply(f"{self.path}: this text stands {text.count(self.old)} times, not once:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Turn:
    """One refactoring, wrong or right.

    Attributes:
        name: A few words, unique within the finding.
        base: The package it starts from: starter or solution.
        verdict: The status it deserves.
        says: What the verdict's message must contain.
        because: Why, in a sentence for the lesson.
        changes: What it changes.
    """

    name: str
    base: str
    verdict: str
    says: str
    because: str
    changes: tuple[Change, ...]

    def make(self, folder: Path) -> Path:
        """Make the package that this refactoring results in, in a folder that does not exist yet, and return it."""
        return _copy(self.base, self.changes, folder)

    def diff(self) -> str:
        """What it changes, as a unified diff with one line of context."""
        return difference(project_root() / self.base, self.changes)


@dataclass(frozen=True)
class Gallery:
    """All turns of one finding, and the finding itself."""

    id: str
    put_back: tuple[Change, ...]
    turns: tuple[Turn, ...]

    def turn(self, name: str) -> Turn:
        """The turn of this name.

        Raises:
            LookupError: If there is none.
        """
        for turn in self.turns:
            if turn.name == name:
                return turn
        raise LookupError(f"no turn {name!r} in the gallery of {self.id}: there are {[t.name for t in self.turns]}")

    def make_put_back(self, folder: Path) -> Path:
        """Make the solution with this one finding put back, in a folder that does not exist yet; returns the folder."""
        return _copy("solution", self.put_back, folder)


def gallery(id: str) -> Gallery:
    """The gallery of a finding.

    Raises:
        FileNotFoundError: If the finding has none.
    """
    file = project_root() / "tests" / "gallery" / f"{id.replace('.', '_')}.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    put_back = gallery(table["put_back_of"]).put_back if "put_back_of" in table else _changes(table["put_back"])
    return Gallery(id, put_back, tuple(_turn(entry) for entry in table["turn"]))


def galleries() -> list[str]:
    """The ids of the findings that have a gallery."""
    return sorted(file.stem.replace("_", ".") for file in (project_root() / "tests" / "gallery").glob("*.toml"))


def difference(folder: Path, changes: Iterable[Change], *, backwards: bool = False) -> str:
    """Changes to a package as a unified diff.

    Args:
        folder: The package's folder, as it is before the changes.
        changes: What is changed.
        backwards: Show how the changes are undone.

    Raises:
        DoesNotApply: If a change's old text does not stand exactly once.
    """
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for change in changes:
        text = after.get(change.path) or (folder / change.path).read_text(encoding="utf-8")
        before.setdefault(change.path, text)
        after[change.path] = change.applied_to(text)
    if backwards:
        before, after = after, before
    return "\n".join(line for path in before for line in _unified(path, before[path], after[path]))


def _unified(path: str, before: str, after: str) -> Sequence[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm="", n=1))


def _copy(base: str, changes: Iterable[Change], folder: Path) -> Path:
    shutil.copytree(project_root() / base, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for change in changes:
        change.apply(folder)
    return folder


def _turn(entry: dict[str, Any]) -> Turn:
    return Turn(
        name=entry["name"],
        base=entry.get("base", "starter"),
        verdict=entry["verdict"],
        says=entry["says"],
        because=entry["because"],
        changes=_changes(entry["change"]),
    )


def _changes(entries: Iterable[dict[str, str]]) -> tuple[Change, ...]:
    return tuple(Change(**entry) for entry in entries)
