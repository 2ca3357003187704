"""Does something to the workspace, and is gone before a step on the disk: `killed.py DEED…`.

For each number that it reads, a process of its own does the deed until it is about to take the step of that number;
the process's exit status is printed.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

from kata import workspace
from kata.target import workspace as place

GONE = 99


def do(last: int, deed: str, *arguments: str) -> None:
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


def main(*deed: str) -> None:
    can_fork = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    for line in sys.stdin:
        process = context.Process(target=do, args=(int(line), *deed))
        process.start()
        process.join()
        print(process.exitcode, flush=True)


if __name__ == "__main__":
    assert Path(place().parent).is_dir()
    main(*sys.argv[1:])
