"""Puts the code of one finding back as it was in the starter, and leaves the rest of the learner's work as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kata.audit import Finding, audit, project_root
from kata.target import folder_of
from kata.workspace.copies import Copy, bring_back, copy_of, keep
from kata.workspace.files import write
from kata.workspace.source import NotPython
from kata.workspace.splice import CannotSplice, splice


@dataclass(frozen=True)
class PutBack:
    """What was put back in one file.

    Attributes:
        path: The file, relative to the workspace's folder.
        names: The definitions and imports; empty for the whole file.
        because: Why it was the whole file, although the finding is about a part of it; or empty.
    """

    path: str
    names: tuple[str, ...] = ()
    because: str = ""

    def __str__(self) -> str:
        why = f" ({self.because})" if self.because else ""
        return f"{self.path}: {', '.join(self.names) or f'the whole file{why}'}"


@dataclass(frozen=True)
class Reset:
    """What a reset has done.

    Attributes:
        put_back: A part for each file that had to change; empty if all was as in the starter.
        copy: The copy kept before, or None if no file had to be kept.
        others: The findings that are about the same code, and so put back with it.
    """

    put_back: tuple[PutBack, ...]
    copy: Copy | None
    others: tuple[str, ...]


class NothingToReset(ValueError):
    """The starter has no code for this finding yet; the message says so."""


def reset(id: str) -> Reset:
    """Put a finding's code back in the workspace, after keeping a dated copy of each file that changes.

    Functions and classes are put back with what they need of the same file; the rest of the file stays. A file that is
    not Python any more, or that the finding is about as a whole, is put back as a whole.

    Raises:
        UnknownFinding: If the audit has no such finding.
        UnknownTarget: If there is no workspace.
        NothingToReset: If the starter has no code for the finding.
        OSError: If the workspace cannot be written.
    """
    finding, folder = audit().finding(id), folder_of("workspace")
    changes = {}
    for path, names in _places(finding).items():
        told, data = _put_back(folder, path, names)
        if data is not None:
            changes[path] = (told, data)
    copy = keep(folder, changes, f"reset {id}")
    for path, (_, data) in changes.items():
        write(folder, path, data)
    return Reset(tuple(told for told, _ in changes.values()), copy, sharing(finding) if changes else ())


@dataclass(frozen=True)
class Undone:
    """What was brought back.

    Attributes:
        copy: The copy it came from.
        paths: The files that had to change.
        kept: The copy that was kept of them, or None.
    """

    copy: Copy
    paths: tuple[str, ...]
    kept: Copy | None


def undo(name: str = "last") -> Undone:
    """Bring a copy's files back into the workspace, after keeping a copy of what stands there now.

    Args:
        name: The copy's number or folder, or ``last``; undoing twice in a row so ends where it began.

    Raises:
        NoSuchCopy: If there is none of this name.
        UnknownTarget: If there is no workspace.
        OSError: If the workspace cannot be written.
    """
    folder = folder_of("workspace")
    copy = copy_of(folder, name)
    return Undone(copy, *bring_back(folder, copy))


def _places(finding: Finding) -> dict[str, list[str]]:
    """The finding's files, each with the definitions it is about; none for the whole file."""
    places: dict[str, list[str]] = {}
    for location in finding.where:
        if location.find(project_root() / "starter") is None:
            raise NothingToReset(f"the starter has no {location} yet, so there is nothing to put back")
        places.setdefault(location.path, []).append(location.qualname)
    return {path: [] if "" in names else names for path, names in places.items()}


def _put_back(folder: Path, path: str, names: list[str]) -> tuple[PutBack, bytes | None]:
    """What to say of a file, and its new content, or None if it is as it should be."""
    file, original = folder / path, (project_root() / "starter" / path).read_bytes()
    if not file.is_file():
        return PutBack(path, because="it was missing"), original
    mine = file.read_bytes()
    because = ""
    if names:
        try:
            spliced = splice(mine, original, names)
            return PutBack(path, spliced.names), spliced.data if spliced.names else None
        except NotPython as error:
            because = f"it is no Python: {error}"
        except CannotSplice as error:
            because = str(error)
    return PutBack(path, because=because), None if mine == original else original


def sharing(finding: Finding) -> tuple[str, ...]:
    """The ids of the other findings that are about the same functions or classes."""
    places = set(finding.where)
    return tuple(other.id for other in audit().everything if other != finding and places & set(other.where))
