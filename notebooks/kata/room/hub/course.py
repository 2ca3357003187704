"""The course as learners get it: made from the teacher's clone, once for all."""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kata.audit import project_root
from kata.room import VISIBLE
from kata.room.hub.enter import GIVEN
from kata.workspace.files import half_made


def made(course: Path) -> bool:
    """Make the course that learners get from the clone, unless it is the same already; returns whether it was made.

    Its modules come compiled, or each learner's first import of the course would do that again.
    """
    digests = {path: _digest(project_root() / path) for path in _files(project_root())}
    if _given(course) == digests:
        return False
    with half_made(course.parent, ".course-") as beside:
        new, old = beside / "new", beside / "old"
        for path in digests:
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project_root() / path, new / path)
        compileall.compile_dir(new / "notebooks" / "kata", quiet=2, workers=1)
        (new / GIVEN).write_text(json.dumps(digests, indent=0), encoding="utf-8")
        for place, _, files in os.walk(new):
            os.chmod(place, 0o755)
            for file in files:
                os.chmod(os.path.join(place, file), 0o644)
        if course.exists():
            course.rename(old)
        new.rename(course)
    return True


def _given(course: Path) -> dict[str, str] | None:
    try:
        return json.loads((course / GIVEN).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _files(root: Path) -> Iterator[str]:
    for part in VISIBLE:  # nothing hidden: neither the history, nor a file `.env` with the teacher's keys
        if (root / part).is_file():
            yield part
        for place, folders, names in os.walk(root / part):
            folders[:] = [each for each in sorted(folders) if not each.startswith(".") and each != "__pycache__"]
            yield from ((Path(place) / name).relative_to(root).as_posix() for name in sorted(names) if name[0] != ".")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
