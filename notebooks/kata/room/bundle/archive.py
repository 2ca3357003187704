"""A zip file that is the same each time: members in their order, with one time and plain rights."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
_PLAIN, _EXECUTABLE = 0o100644, 0o100755


@dataclass(frozen=True)
class Member:
    """A file in the archive.

    Attributes:
        name: Its path there, with forward slashes.
        content: What is in it, or the file that has it.
        executable: Whether it may be run.
    """

    name: str
    content: bytes | Path
    executable: bool = False


def write(file: Path, members: Iterable[Member]) -> None:
    """Write an archive. Wheels, which are compressed already, are stored as they are."""
    with zipfile.ZipFile(file, "w") as archive:
        for member in sorted(members, key=lambda each: each.name):
            info = zipfile.ZipInfo(member.name, _TIME)
            info.create_system = 3  # Unix, wherever it is made: the rights are written as Unix has them
            info.external_attr = (_EXECUTABLE if member.executable else _PLAIN) << 16
            info.compress_type = zipfile.ZIP_STORED if member.name.endswith(".whl") else zipfile.ZIP_DEFLATED
            if isinstance(member.content, bytes):
                archive.writestr(info, member.content)
                continue
            info.file_size = member.content.stat().st_size
            with member.content.open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
