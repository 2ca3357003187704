"""What one learner may use of the machine, and who sees to it: systemd, control groups, or rlimits."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

GROUP = "kata-room"
"""The control group that holds all learners' groups."""

SLICE = "kataroom.slice"
"""The same where systemd runs: a hyphen would make it two."""

RESERVE = 768 * 2**20
"""Bytes that learners leave to the hub, its proxy and the system, all together: these are never what is killed."""

PERIOD = 100_000
"""Microseconds over which the kernel counts a group's processor time, its default."""

SHARE = {"cpu.weight": 100, "cpu.shares": 1024}
"""What everybody gets of the processors when all want them: the same."""


@dataclass(frozen=True)
class Limits:
    """What all processes of one learner may use together.

    Attributes:
        memory: Bytes.
        cores: Processors.
        processes: Processes, threads included.
    """

    memory: int
    cores: float
    processes: int


@dataclass(frozen=True)
class Place:
    """How a process gets under limits.

    Attributes:
        before: The command that goes before its own.
        groups: The files into which it writes its number.
        rlimits: The limits it sets itself, by the names of the `resource` module.
    """

    before: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rlimits: Mapping[str, int] = field(default_factory=dict)


class Keeper(Protocol):
    """Who sees to the limits.

    Attributes:
        words: What is kept and what is not, for the teacher.
    """

    words: str

    def place(self, user: str, limits: Limits) -> Place:
        """Prepare a place for the processes of a user."""

    def leave(self, user: str) -> None:
        """Take away what was prepared; to be called when the user's processes are gone."""

    def end(self) -> None:
        """Take away what was prepared for all; to be called when nobody is there any more."""


class Systemd:
    """systemd makes a scope for each learner, all of them in one slice.

    Args:
        memory: Bytes for all learners together.
    """

    words = "memory, processors and processes of each learner, by systemd"

    def __init__(self, memory: int) -> None:
        subprocess.run(
            ["systemctl", "set-property", "--runtime", SLICE, f"MemoryMax={memory}"], capture_output=True, check=False
        )

    def place(self, user: str, limits: Limits) -> Place:
        properties = {
            "MemoryMax": limits.memory,
            "MemorySwapMax": 0,
            "CPUQuota": f"{round(limits.cores * 100)}%",
            "CPUWeight": SHARE["cpu.weight"],
            "TasksMax": limits.processes,
            "Delegate": "yes",  # or the end of one process for want of memory is the end of all
        }
        unit = f"{user}-{time.time_ns()}"  # its predecessor may still be ending
        options = [f"--property={name}={value}" for name, value in properties.items()]
        return Place(("systemd-run", "--scope", "--quiet", "--collect", f"--unit={unit}", f"--slice={SLICE}", *options))

    def leave(self, user: str) -> None:
        """A scope goes with its last process."""

    def end(self) -> None:
        """So does the slice."""

    def holds(self) -> bool:
        """Whether a limit that it is asked for is kept: in some containers systemd runs, and can limit nothing."""
        wanted = Limits(memory=64 * 2**20, cores=1, processes=20)
        program = [sys.executable, "-I", __file__]
        done = subprocess.run(
            [*self.place("kata-probe", wanted).before, *program], capture_output=True, text=True, check=False
        )
        return done.returncode == 0 and done.stdout.strip() == str(wanted.memory)


class Version2:
    """Control groups of version 2.

    Args:
        root: The group below which the room's group is made.
        memory: Bytes for all learners together.
    """

    words = "memory, processors and processes of each learner, by control groups (version 2)"
    needs = ("cpu", "memory", "pids")

    def __init__(self, root: Path, memory: int) -> None:
        self.folder, self._memory = root / GROUP, memory
        self._make()

    def _make(self) -> None:
        """Make the room's group, which another room that has been closed may have taken away."""
        _enable(self.folder.parent, self.needs)
        self.folder.mkdir(exist_ok=True)
        _enable(self.folder, self.needs)
        _write(self.folder / "memory.max", self._memory)

    def place(self, user: str, limits: Limits) -> Place:
        self._make()
        folder = self.folder / user
        folder.mkdir(exist_ok=True)
        _write(folder / "memory.max", limits.memory)
        with contextlib.suppress(FileNotFoundError):  # a kernel without swap
            _write(folder / "memory.swap.max", 0)
        _write(folder / "cpu.max", f"{round(limits.cores * PERIOD)} {PERIOD}")
        _write(folder / "cpu.weight", SHARE["cpu.weight"])
        _write(folder / "pids.max", limits.processes)
        return Place(groups=(str(folder / "cgroup.procs"),))

    def leave(self, user: str) -> None:
        _remove(self.folder / user)

    def end(self) -> None:
        _remove(self.folder)


class Version1:
    """Control groups of version 1: a hierarchy for each kind.

    Args:
        roots: The groups below which the room's groups are made, by the names of the hierarchies.
        memory: Bytes for all learners together.
    """

    words = "memory, processors and processes of each learner, by control groups (version 1)"
    needs = ("cpu", "memory", "pids")

    def __init__(self, roots: Mapping[str, Path], memory: int) -> None:
        self.folders, self._memory = {kind: root / GROUP for kind, root in roots.items()}, memory
        self._make()

    def _make(self) -> None:
        """Make the room's groups, which another room that has been closed may have taken away."""
        for folder in self.folders.values():
            folder.mkdir(exist_ok=True)
        with contextlib.suppress(OSError):  # always so in new kernels
            _write(self.folders["memory"] / "memory.use_hierarchy", 1)
        _write(self.folders["memory"] / "memory.limit_in_bytes", self._memory)

    def place(self, user: str, limits: Limits) -> Place:
        self._make()
        folders = {kind: folder / user for kind, folder in self.folders.items()}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        with_swap = folders["memory"] / "memory.memsw.limit_in_bytes"
        if with_swap.exists():
            _write(with_swap, -1)  # it is never less than the one without
        _write(folders["memory"] / "memory.limit_in_bytes", limits.memory)
        if with_swap.exists():
            _write(with_swap, limits.memory)
        _write(folders["cpu"] / "cpu.cfs_period_us", PERIOD)
        _write(folders["cpu"] / "cpu.cfs_quota_us", round(limits.cores * PERIOD))
        _write(folders["cpu"] / "cpu.shares", SHARE["cpu.shares"])
        _write(folders["pids"] / "pids.max", limits.processes)
        return Place(groups=tuple(str(folder / "cgroup.procs") for folder in folders.values()))

    def leave(self, user: str) -> None:
        for folder in self.folders.values():
            _remove(folder / user)

    def end(self) -> None:
        for folder in self.folders.values():
            _remove(folder)


class Rlimits:
    """No control groups: each process is kept by itself."""

    words = (
        "each process of a learner may have the memory of all, and nobody's share of the processors is kept: this "
        "machine lets nobody make control groups, as many containers do"
    )

    def place(self, user: str, limits: Limits) -> Place:
        return Place(rlimits={"RLIMIT_DATA": limits.memory, "RLIMIT_NPROC": limits.processes})

    def leave(self, user: str) -> None:
        """There is nothing."""

    def end(self) -> None:
        """There is nothing."""


def keeper(total: int) -> Keeper:
    """Who sees to the limits on this machine: the first of all that can.

    Args:
        total: Bytes of memory that the machine has.
    """
    memory = max(total - RESERVE, total // 2)
    if Path("/run/systemd/system").is_dir() and shutil.which("systemd-run") and (systemd := Systemd(memory)).holds():
        return systemd
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    for try_it in (lambda: _version2(mounts, memory), lambda: _version1(mounts, own, memory)):
        with contextlib.suppress(OSError, LookupError):
            return try_it()
    return Rlimits()


def own_limit() -> str | None:
    """The limit of memory that this process is under, as the kernel has it, or None if none can be seen."""
    mounts = _mounts(Path("/proc/self/mounts").read_text(encoding="utf-8"))
    groups = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines())
    for where, kind, options in mounts:
        group = groups.get("" if kind == "cgroup2" else "memory", "/").lstrip("/")
        name = "memory.max" if kind == "cgroup2" else "memory.limit_in_bytes"
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options):
            with contextlib.suppress(OSError):
                return (Path(where) / group / name).read_text(encoding="ascii").strip()
    return None


def _version2(mounts: str, memory: int) -> Keeper:
    root = next(Path(where) for where, kind, _ in _mounts(mounts) if kind == "cgroup2")
    offered = (root / "cgroup.controllers").read_text(encoding="ascii").split()
    if not {*Version2.needs} <= {*offered}:
        raise LookupError(offered)
    return Version2(root, memory)


def _version1(mounts: str, own: str, memory: int) -> Keeper:
    places = {}
    for line in own.splitlines():
        _, kinds, group = line.split(":", 2)
        places |= {kind: group.lstrip("/") for kind in kinds.split(",")}
    roots = {}
    for where, kind, options in _mounts(mounts):
        for each in set(options) & set(Version1.needs):
            if kind == "cgroup":
                inside = Path(where) / places[each]
                roots[each] = inside if inside.is_dir() else Path(where)
    if {*roots} != {*Version1.needs}:
        raise LookupError(roots)
    return Version1(roots, memory)


def _mounts(text: str) -> Sequence[tuple[str, str, list[str]]]:
    lines = [line.split() for line in text.splitlines()]
    return [(where, kind, options.split(",")) for _, where, kind, options, *_ in lines]


def _enable(folder: Path, kinds: Sequence[str]) -> None:
    _write(folder / "cgroup.subtree_control", " ".join(f"+{kind}" for kind in kinds))


def _write(file: Path, value: object) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY), "w", encoding="ascii") as stream:  # never made: the kernel has it
        stream.write(str(value))


def _remove(folder: Path) -> None:
    """Remove a group; the kernel may need a moment after its last process."""
    for pause in (0.01, 0.1, 0.5, 0):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(pause)
        else:
            return


if __name__ == "__main__":  # as a scope's only process
    print(own_limit())
