"""What a room costs: memory and processor time of each learner, and how long they wait, for some learners at once.

    python tests/room/hub/measure.py 1 5 10

writes `notebooks/kata/room/hub/measured.json`, from which `kata.room.hub.needs` says what a room of thirty needs.
Needs what `kata hub` needs. Processor time is what the kernel counts, and so hardly depends on what else goes on;
seconds do, and so the load of the machine is written down beside them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from people import Kernel, Person
from rooms import Place

from kata.room.hub import limits, needs

MEBIBYTE = 2**20
VERDICT = 'from kata import check\nawait check("{}")'
FINDING = "1.4"
ROUNDS = 3


async def measured(count: int, folder: Path) -> dict[str, Any]:
    """A room with so many learners, who do everything at once."""
    place = Place(folder)
    try:
        return await in_a_room(place, count)
    finally:
        place.run("delete", "--yes", "--keep", str(folder.parent / "kept"))


async def in_a_room(place: Place, count: int) -> dict[str, Any]:
    """The same, in a place for a room."""
    with place.opened("--memory", "2") as room:
        preferred(room.command.pid)
        names = [f"learner-{number}" for number in range(count)]
        load = os.getloadavg()[0]
        async with AsyncExitStack() as stack:
            people = [await stack.enter_async_context(Person(room.url, name)) for name in names]
            password = room.shown("class password")
            came = await asyncio.gather(*(comes_in(person, password) for person in people))
            in_lab = [processor_time(place, name) for name in names]
            disk = [used_disk(place.room.home(name)) for name in names]
            idle_server = memory(place, names)
            kernels = await asyncio.gather(*(opens(person) for person in people))
            with_kernel = [processor_time(place, name) for name in names]
            verdicts, costs, peaks = [], [], []
            for _ in range(1 + ROUNDS):
                before = [processor_time(place, name) for name in names]
                with watched(place, names) as peak:
                    verdicts.append(await asyncio.gather(*(verdict(kernel) for _, kernel in kernels)))
                peaks.append(peak)
                await rested(place, names)
                after = [processor_time(place, name) for name in names]
                costs.append([round(b - a, 2) for a, b in zip(before, after, strict=True)])
            idle = memory(place, names)
        hub = [each for each in psutil.Process(room.command.pid).children(recursive=True) if each.username() != ""]
        of_hub = sum(pss(each) for each in hub if not each.username().startswith(place.prefix)) / MEBIBYTE
    return {
        "learners": count,
        "load before": round(load, 1),
        "hub MiB": round(of_hub),
        "copy MiB": round(median(disk), 1),
        "server MiB": round(median(idle_server.values())),
        "idle MiB": round(median(idle.values())),
        "peak MiB": round(max(max(peak.values()) for peak in peaks)),
        "sum of peaks MiB": round(max(sum(peak.values()) for peak in peaks)),
        "seconds to JupyterLab": spread(came),
        "seconds to a kernel": spread([seconds for seconds, _ in kernels]),
        "seconds to the first verdict": spread(verdicts[0]),
        "seconds to a verdict": spread([each for round_ in verdicts[2:] for each in round_]),
        "processor seconds to JupyterLab": round(median(in_lab), 2),
        "processor seconds to a kernel": round(median(b - a for a, b in zip(in_lab, with_kernel, strict=True)), 2),
        "processor seconds of the first verdict": round(median(costs[0]), 2),
        "processor seconds of the second verdict": round(median(costs[1]), 2),
        "processor seconds of a verdict": round(median(each for cost in costs[2:] for each in cost), 2),
    }


def preferred(hub: int) -> None:
    """Let the room go before what else runs on this machine, as far as it can: eight times the share of each."""
    for process in [psutil.Process(hub), *psutil.Process(hub).children(recursive=True)]:
        process.nice(-9)
    kept = limits.keeper(psutil.virtual_memory().total)
    if isinstance(kept, limits.Version1):
        (kept.folders["cpu"] / "cpu.shares").write_text(str(8 * 1024))
    elif isinstance(kept, limits.Version2):
        (kept.folder / "cpu.weight").write_text(str(8 * 100))


async def comes_in(person: Person, password: str) -> float:
    """Seconds from sending the form until JupyterLab's page is there and answers."""
    begun = time.monotonic()
    await person.comes_in(f"the secret of {person.name}", password)
    await person.opens_lab()
    assert (await person.asks("GET", f"user/{person.name}/api/contents/notebooks"))[0] == 200
    return time.monotonic() - begun


async def opens(person: Person) -> tuple[float, Kernel]:
    """Seconds from opening a notebook until a cell of it has run."""
    begun = time.monotonic()
    kernel = await person.opens_notebook()
    answer = await kernel.runs("1 + 1")
    assert answer.text == "2", answer
    return time.monotonic() - begun, kernel


async def verdict(kernel: Kernel) -> float:
    """Seconds from running the cell until the verdict is there."""
    begun = time.monotonic()
    answer = await kernel.runs(VERDICT.format(FINDING))
    assert "untouched" in answer.text, answer
    return time.monotonic() - begun


def processes(place: Place, names: list[str]) -> dict[str, list[psutil.Process]]:
    """What runs as each learner."""
    found: dict[str, list[psutil.Process]] = {name: [] for name in names}
    for process in psutil.process_iter():
        try:
            name = process.username().removeprefix(place.prefix)
        except psutil.NoSuchProcess:
            continue
        if name in found:
            found[name].append(process)
    return found


def memory(place: Place, names: list[str]) -> dict[str, float]:
    """MiB of each learner: their processes' proportional share of what is in memory."""
    return {name: sum(map(pss, each)) / MEBIBYTE for name, each in processes(place, names).items()}


def pss(process: psutil.Process) -> int:
    """Bytes of a process, what it shares divided by those who share it; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def processor_time(place: Place, name: str) -> float:
    """Seconds of processor that a learner's processes have had, and those that they have seen end."""
    total = 0.0
    for process in processes(place, [name])[name]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


async def rested(place: Place, names: list[str]) -> None:
    """Wait until nobody's processes do anything: a server that rehearses has its own time."""
    quiet, before = 0, -1.0
    while quiet < 3:
        now = sum(processor_time(place, name) for name in names)
        quiet = quiet + 1 if now - before < 0.05 * len(names) else 0
        before = now
        await asyncio.sleep(0.5)


@contextmanager
def watched(place: Place, names: list[str]) -> Iterator[dict[str, float]]:
    """The most that each learner has in memory meanwhile, MiB."""
    most = dict.fromkeys(names, 0.0)
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.3):
            for name, now in memory(place, names).items():
                most[name] = max(most[name], now)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def used_disk(folder: Path) -> float:
    """MiB on the disk."""
    done = subprocess.run(["du", "-s", "--block-size=1024", folder], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0]) / 1024


def spread(values: list[float]) -> dict[str, float]:
    """The median, and the longest."""
    return {"median": round(median(values), 1), "longest": round(max(values), 1)}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rooms = []
        for count in map(int, sys.argv[1:] or ("1", "5", "10")):
            rooms.append(asyncio.run(measured(count, Path(folder) / f"state-{count}")))
            print(json.dumps(rooms[-1], indent=2), flush=True)
    about = {
        "on": time.strftime("%Y-%m-%d"),
        "processors": os.cpu_count(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "finding": FINDING,
        "rooms": rooms,
    }
    needs.FILE.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
