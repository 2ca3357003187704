"""What one learner may use of the machine, kept by whoever keeps it here."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from kata.room.hub import limits
from kata.room.hub.limits import Limits, Rlimits, Systemd, Version1, Version2, keeper

MEBIBYTE = 2**20
ADA, BEN = (f"kata-test-{os.getpid()}-{name}" for name in ("ada", "ben"))
"""Groups that no other run of the tests has."""
SMALL = Limits(memory=96 * MEBIBYTE, cores=1.5, processes=50)

EATS = "x = []\nwhile len(x) < 200: x.append(bytearray(8 << 20))"  # not all that the machine has
PINNED = "os.sched_setaffinity(0, [{}])\nprint('begun', flush=True)\nwhile True: pass"


@pytest.fixture
def kernel(monkeypatch):
    """What is written to the kernel, by file; the folders are real, and have no files in them."""
    written = {}
    monkeypatch.setattr(limits, "_write", lambda file, value: written.setdefault(file, []).append(str(value)))
    return written


def test_control_groups_of_version_2_are_told_everything(tmp_path, kernel):
    kept = Version2(tmp_path, memory=10**9)
    place = kept.place("kata-ada", SMALL)
    group = tmp_path / "kata-room" / "kata-ada"
    assert place.groups == (str(group / "cgroup.procs"),)
    told = {file.relative_to(tmp_path).as_posix(): values[-1] for file, values in kernel.items()}
    assert told == {
        "cgroup.subtree_control": "+cpu +memory +pids",
        "kata-room/cgroup.subtree_control": "+cpu +memory +pids",
        "kata-room/memory.max": "1000000000",
        "kata-room/kata-ada/memory.max": str(96 * MEBIBYTE),
        "kata-room/kata-ada/memory.swap.max": "0",
        "kata-room/kata-ada/cpu.max": "150000 100000",
        "kata-room/kata-ada/cpu.weight": "100",
        "kata-room/kata-ada/pids.max": "50",
    }
    kept.leave("kata-ada")
    kept.end()
    assert list(tmp_path.iterdir()) == []


def test_control_groups_of_version_1_are_told_everything(tmp_path, kernel):
    for kind in Version1.needs:
        (tmp_path / kind).mkdir()
    kept = Version1({kind: tmp_path / kind for kind in Version1.needs}, memory=10**9)
    place = kept.place("kata-ada", SMALL)
    groups = {kind: tmp_path / kind / "kata-room" / "kata-ada" for kind in Version1.needs}
    assert {*place.groups} == {str(group / "cgroup.procs") for group in groups.values()}
    assert kernel[groups["memory"] / "memory.limit_in_bytes"] == [str(96 * MEBIBYTE)]
    assert {*kernel[groups["memory"].parent / "memory.limit_in_bytes"]} == {"1000000000"}
    assert kernel[groups["cpu"] / "cpu.cfs_quota_us"] == ["150000"]
    assert kernel[groups["cpu"] / "cpu.shares"] == ["1024"]
    assert kernel[groups["pids"] / "pids.max"] == ["50"]
    kept.leave("kata-ada")
    kept.end()
    assert [each for kind in Version1.needs for each in (tmp_path / kind).iterdir()] == []


def test_the_hierarchies_are_found_where_this_process_is(tmp_path, kernel):
    (tmp_path / "memory" / "here").mkdir(parents=True)
    mounts = "".join(f"cgroup {tmp_path}/{kind} cgroup rw,{kind} 0 0\n" for kind in ("memory", "cpu,cpuacct", "pids"))
    (tmp_path / "cpu,cpuacct").mkdir()
    (tmp_path / "pids").mkdir()
    kept = limits._version1(mounts, "5:memory:/here\n4:cpu,cpuacct:/\n3:pids:/gone\n0::/\n", 10**9)
    assert kept.folders == {
        "memory": tmp_path / "memory" / "here" / "kata-room",
        "cpu": tmp_path / "cpu,cpuacct" / "kata-room",
        "pids": tmp_path / "pids" / "kata-room",
    }


def test_a_hierarchy_that_offers_less_is_not_taken(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    with pytest.raises(LookupError):
        limits._version2(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n", 10**9)
    with pytest.raises(LookupError):
        limits._version1(f"cgroup {tmp_path} cgroup rw,memory 0 0\n", "4:memory:/\n", 10**9)


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """systemd, as far as it can be seen: programs that write down how they were called."""
    for name in ("systemctl", "systemd-run"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}.calls\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Systemd(memory=10**9)


def test_systemd_keeps_all_learners_together_below_what_the_machine_has(systemd, tmp_path):
    called = (tmp_path / "systemctl.calls").read_text().split()
    assert called == ["set-property", "--runtime", "kataroom.slice", "MemoryMax=1000000000"]


def test_systemd_that_limits_nothing_is_not_relied_on(systemd, tmp_path):
    """As in containers that have no say in control groups: what is asked for is not what the kernel has."""
    run = tmp_path / "systemd-run"
    assert not systemd.holds()
    run.write_text("#!/bin/sh\necho 9223372036854771712\n")
    assert not systemd.holds()
    run.write_text(f"#!/bin/sh\necho {64 * MEBIBYTE}\n")
    assert systemd.holds()


def test_the_limit_that_holds_is_read_from_the_kernel(kept):
    place = kept.place(ADA, SMALL)
    with started(place, "from kata.room.hub.limits import own_limit\nprint(own_limit())") as process:
        assert process.communicate(timeout=60)[0].strip() == str(SMALL.memory)


def test_systemd_is_asked_for_a_scope_that_outlives_one_process(systemd):
    (run, scope, *options), *_ = [systemd.place("kata-ada", SMALL).before]
    assert (run, scope) == ("systemd-run", "--scope")
    asked = {option.removeprefix("--property=") for option in options}
    assert {f"MemoryMax={96 * MEBIBYTE}", "MemorySwapMax=0", "CPUQuota=150%", "CPUWeight=100", "TasksMax=50"} <= asked
    assert "Delegate=yes" in asked
    assert systemd.place("kata-ada", SMALL) != systemd.place("kata-ada", SMALL)


@pytest.fixture
def kept():
    """Who keeps the limits on this machine, with control groups."""
    if os.geteuid() != 0:
        pytest.skip("control groups are made by root")
    kept = keeper(psutil.virtual_memory().total)
    if not isinstance(kept, Version1 | Version2):
        pytest.skip(f"here it is {type(kept).__name__}")
    yield kept
    for user in (ADA, BEN):
        kept.leave(user)


def started(place: limits.Place, code: str) -> subprocess.Popen[str]:
    """A program in its place."""
    enter = f"import os\nfor group in {place.groups!r}: open(group, 'w').write(str(os.getpid()))\n"
    return subprocess.Popen(
        [sys.executable, "-c", enter + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_who_eats_memory_is_killed_and_the_neighbour_is_not(kept):
    ada, ben = (kept.place(user, SMALL) for user in (ADA, BEN))
    with started(ada, "print(len(input()))") as neighbour:
        with started(ben, EATS) as eater:
            assert eater.wait(60) == -9
        assert neighbour.communicate("still here", timeout=60)[0] == "10\n"


def test_who_has_many_processes_gets_no_more_of_the_processors_than_who_has_few(kept):
    """One against four on one processor, until they have had a second of it together: without groups, one to four."""
    processor = min(os.sched_getaffinity(0))
    everything = Limits(memory=2**30, cores=os.cpu_count() or 1, processes=500)
    with ExitStack() as stack:
        hogs = {}
        for name, many in ((ADA, 1), (BEN, 4)):
            place = kept.place(name, everything)
            hogs[name] = [stack.enter_context(started(place, PINNED.format(processor))) for _ in range(many)]
        for hog in [*hogs[ADA], *hogs[BEN]]:
            stack.callback(hog.kill)
            assert hog.stdout.readline() == "begun\n"
        begun = {name: used(each) for name, each in hogs.items()}
        while sum(had := [used(hogs[name]) - begun[name] for name in hogs]) < 1:
            psutil.cpu_percent(0.05)
    assert had[0] > had[1] / 2


def used(processes: list[subprocess.Popen[str]]) -> float:
    """Seconds of processor time that they have had."""
    return sum(sum(psutil.Process(process.pid).cpu_times()[:2]) for process in processes)


def test_without_control_groups_each_process_is_kept_by_itself():
    place = Rlimits().place("kata-ada", SMALL)
    assert place.groups == ()
    set_them = "import resource\n" + "".join(
        f"resource.setrlimit(resource.{name}, ({limit}, {limit}))\n"
        for name, limit in place.rlimits.items()
        if name != "RLIMIT_NPROC"  # counts what all of this user run
    )
    run = subprocess.run([sys.executable, "-c", set_them + EATS], capture_output=True, text=True, check=False)
    assert run.stderr.strip().endswith("MemoryError")
    assert "nobody's share" in Rlimits.words


def test_the_groups_of_this_machine_can_be_taken_away(kept):
    place = kept.place(ADA, SMALL)
    assert all(Path(group).exists() for group in place.groups)
    kept.leave(ADA)
    assert not any(Path(group).exists() for group in place.groups)


def test_a_room_that_is_closed_takes_nothing_from_another(kept):
    """Both have the same group for all their learners."""
    keeper(psutil.virtual_memory().total).end()
    place = kept.place(ADA, SMALL)
    assert all(Path(group).exists() for group in place.groups)
