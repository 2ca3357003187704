"""A process that does something to the workspace, and is gone before its n-th step on the disk: `killed.py N DEED…`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kata import workspace
from kata.target import workspace as place

GONE = 99


def main(last: int, deed: str, *arguments: str) -> None:
    room = str(place().parent)
    steps = 0

    def hook(event: str, told: tuple[object, ...]) -> None:
        nonlocal steps
        if event.startswith(("open", "os.", "shutil.")) and any(str(each).startswith(room) for each in told):
            steps += 1
            if steps == last:
                os._exit(GONE)

    sys.addaudithook(hook)
    getattr(workspace, deed)(*arguments)


if __name__ == "__main__":
    assert Path(place().parent).is_dir()
    main(int(sys.argv[1]), *sys.argv[2:])
