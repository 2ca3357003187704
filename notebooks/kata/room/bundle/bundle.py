"""Makes a bundle: the course, its wheels, and what installs them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from kata.audit import project_root
from kata.room.bundle import archive, course
from kata.room.bundle.archive import Member
from kata.room.bundle.errors import CannotBundle, NoWheel
from kata.room.bundle.install import TOOLS
from kata.room.bundle.targets import Target
from kata.room.bundle.wheels import Listed, Pool
from kata.workspace.files import half_made

FOLDER = "unblock-the-loop"
"""What the archive unpacks to."""

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made.

    Attributes:
        file: The archive.
        targets: What it is for.
        left_out: What it is not for, because a package has no wheel there; by target, the packages.
        changed: Files of the course that are packed as they stand and not as in git's last commit.
    """

    file: Path
    targets: tuple[Target, ...]
    left_out: Mapping[str, Sequence[str]]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        size = self.file.stat().st_size // MEGABYTE
        return "\n".join([f"{self.file}, {size} MB, installs the course without a network on", *_named(self.targets)])


def make(targets: Sequence[Target], file: Path, *, replace: bool, strict: bool, tell: Callable[[str], None]) -> Bundle:
    """Make a bundle. It is written beside the file and then renamed, so that there is never a part of one.

    Args:
        targets: What it is for.
        file: The archive.
        replace: Whether there may be a file already.
        strict: Whether each target has to be possible; if not, those that are not are left out.
        tell: Hears what is being done.

    Raises:
        NoWheel: If a package has no wheel for a target, or for none of them.
        CannotBundle: If it cannot be made for another reason.
    """
    root, requirements = project_root(), project_root() / "requirements.txt"
    names = course.files(root)
    _may_be_written(file, replace)
    with half_made(file.parent, ".kata-bundle-") as beside:
        (beside / "wheels").mkdir()
        pool = Pool(beside / "wheels")
        tools = pool.tools(root / "pyproject.toml", requirements)
        lists: dict[Target, list[Listed]] = {}
        left_out: dict[str, Sequence[str]] = {}
        for target in targets:
            try:
                lists[target] = pool.of(target, requirements)
            except NoWheel as error:
                left_out |= error.missing
                tell(f"{target}: left out, there is no wheel of {', '.join(*error.missing.values())} for it")
                continue
            tell(f"{target}: {len(lists[target])} wheels, {_megabytes(pool, lists[target])} MB")
        if left_out and (strict or not lists):
            raise NoWheel(left_out)
        archive.write(beside / file.name, _members(root, names, pool, lists, tools))
        _may_be_written(file, replace)
        os.replace(beside / file.name, file)
    return Bundle(file, tuple(lists), left_out, tuple(course.changed(root)))


def _may_be_written(file: Path, replace: bool) -> None:
    if file.is_dir() or (file.exists() and not replace):
        raise CannotBundle(f"{file} is there already: name another file by --output, or pass --replace")


def _members(
    root: Path, names: Sequence[str], pool: Pool, lists: Mapping[Target, Sequence[Listed]], tools: Sequence[Listed]
) -> list[Member]:
    members = [Member(f"course/{name}", root / name, os.access(root / name, os.X_OK)) for name in names]
    wheels = {each.wheel for listed in (*lists.values(), tools) for each in listed}
    members += [Member(f"wheels/{name}", pool.folder / name) for name in wheels]
    members += [Member(f"wheels/{target.list_name}", _list(str(target), listed)) for target, listed in lists.items()]
    members.append(Member(f"wheels/{TOOLS}", _list("what installs the course", tools)))
    members.append(Member("install.py", _text("install.py").encode()))
    members.append(Member("INSTALL.txt", _how_to(pool, lists).encode()))
    return [Member(f"{FOLDER}/{each.name}", each.content, each.executable) for each in members]


def _list(title: str, listed: Sequence[Listed]) -> bytes:
    return "\n".join([f"# {title}", *map(str, listed), ""]).encode()


def _how_to(pool: Pool, lists: Mapping[Target, Sequence[Listed]]) -> str:
    room = max(_unpacked(pool, listed) for listed in lists.values())
    return _text("INSTALL.txt").format(targets="\n".join(_named(lists)), room=room)


def _named(targets: Iterable[Target]) -> list[str]:
    """The targets in words, a line for each platform."""
    pythons: dict[str, list[str]] = {}
    for target in targets:
        pythons.setdefault(target.platform.title, []).append(target.python)
    return [f"  - {title}, with Python {', '.join(versions)}" for title, versions in pythons.items()]


def _unpacked(pool: Pool, listed: Sequence[Listed]) -> int:
    """Megabytes that the wheels take once they are installed and compiled."""
    size = 0
    for each in listed:
        with zipfile.ZipFile(pool.folder / each.wheel) as wheel:
            size += sum(member.file_size for member in wheel.infolist())
    return int(1.5 * size / MEGABYTE)


def _megabytes(pool: Pool, listed: Sequence[Listed]) -> int:
    return sum((pool.folder / each.wheel).stat().st_size for each in listed) // MEGABYTE


def _text(name: str) -> str:
    return resources.files("kata.room.bundle").joinpath(name).read_text(encoding="utf-8")
