"""Verdicts from a server are those of a process of its own: fresh, bounded, and never of a stale file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from kata.audit import audit, project_root
from kata.verdict import Status, judge, warm
from kata.verdict.speed import measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers fork, which is safe on Linux only")

FINDING = audit().finding("2.2")
TTS = "modules/speech/text_to_speech.py"
IMPORTS = "import logging\n"


@pytest.fixture
def server():
    """The server that judges `FINDING` for this process, and is up."""
    warm.warm_up(FINDING)
    judge(FINDING, project_root() / "solution")
    return running()


def running():
    return warm._servers._running[False]


def notes(package, *lines):
    """Have the package note something as JSON when it is imported, and return it once it was judged."""
    file = package.folder.parent / "note.json"
    code = "\n".join(
        (
            IMPORTS,
            "import json, os, sys, threading",
            *lines,
            f"whole = {str(file)!r} + str(os.getpid())  # one of two that judge may be killed while it writes",
            "open(whole, 'w').write(json.dumps(note))",
            f"os.replace(whole, {str(file)!r})",
        )
    )
    package.replace(IMPORTS, f"{code}\n", TTS)
    assert judge(FINDING, package.folder).status is not Status.ERROR
    return json.loads(file.read_text())


def test_the_process_is_forked_by_the_server_and_leads_a_session_of_its_own(package_of, server):
    note = notes(package_of("starter"), "note = [os.getppid(), os.getpid(), os.getsid(0)]")
    assert note[0] == server.pid
    assert note[1] == note[2]


def test_the_switch_turns_it_off(package_of, server, monkeypatch):
    monkeypatch.setenv(warm.SWITCH, "0")
    (parent,) = notes(package_of("starter"), "note = [os.getppid()]")
    assert parent == os.getpid()


def test_nothing_that_is_judged_is_in_the_server(package_of, server):
    modules = notes(package_of("starter"), "note = sorted(sys.modules)")
    assert {"elevenlabs.client", "groq", "httpx", "langgraph.graph", "pytest"} <= set(modules)
    assert [name for name in modules if name.partition(".")[0] in ("starter", "solution", "workspace", "tests")] == [
        "tests",
        "tests.conftest",
        "tests.findings",
        "tests.findings.conftest",
        "tests.findings.test_2_2_synchronous_stream",
    ]
    assert {name.partition(".")[0] for name in modules if name.startswith("_target_")} == {"_target_workspace"}


def test_a_fork_has_none_of_the_server_s_sockets_and_pipes(package_of, server):
    """A copy of the control socket would keep the server from seeing its end."""

    def links(process):
        names = [f"/proc/{process}/fd/{number}" for number in os.listdir(f"/proc/{process}/fd")]
        return {os.readlink(name) for name in names if os.path.islink(name)}

    lines = (
        "names = [f'/proc/self/fd/{number}' for number in os.listdir('/proc/self/fd')]",
        "note = [os.readlink(name) for name in names if os.path.islink(name)]",
    )
    servers = {link for link in links(server.pid) if link.startswith(("socket:", "pipe:"))}
    assert len(servers) >= 2
    assert servers.isdisjoint(notes(package_of("starter"), *lines))


def test_a_fork_has_no_thread_but_its_own(package_of, server):
    threads = notes(package_of("starter"), "note = [thread.name for thread in threading.enumerate()]")
    assert set(threads) == {"MainThread", "Thread-1", "stand-in elevenlabs"}  # Thread-1 is the watchdog


def test_chances_differ_from_fork_to_fork(package_of, server, tmp_path):
    package = package_of("starter")
    first = notes(package, "import random", "note = random.random()")
    judge(FINDING, package.folder)
    assert json.loads((tmp_path / "note.json").read_text()) != first


def test_the_environment_is_that_of_the_moment(package_of, server, monkeypatch):
    monkeypatch.setenv("KATA_TEST_OF_THE_MOMENT", "now")
    lines = ("import tempfile", "note = [os.environ.get('KATA_TEST_OF_THE_MOMENT'), tempfile.gettempdir()]")
    moment, folder = notes(package_of("starter"), *lines)
    assert moment == "now"
    assert os.path.basename(os.path.dirname(folder)).startswith("kata-judge-")
    assert not os.path.exists(folder)


def test_an_edit_of_the_same_length_in_the_same_moment_is_the_one_that_is_judged(package_of, server):
    package = package_of("solution")
    file = package.folder / TTS
    text, stamp = file.read_text(), file.stat()
    for word, status in [("audio_bytes", Status.FIXED), ("audio_bytez", Status.BROKEN)] * 2:
        file.write_text(text.replace("        return audio_bytes\n", f"        return {word}\n"))
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert judge(FINDING, package.folder).status is status
    assert running() is server


def test_two_at_once_are_judged_each_for_itself(package_of, server):
    packages = [project_root() / "starter", project_root() / "solution"]
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda folder: judge(FINDING, folder).status, packages * 2))
    assert verdicts == [Status.PRESENT, Status.FIXED] * 2


def test_what_one_fork_patches_the_next_one_does_not_see(package_of, server):
    package = package_of("solution")
    patch = (
        "import asyncio, builtins, sys, elevenlabs, pytest\n"
        "async def nothing(*_): raise ValueError('patched')\n"
        "asyncio.sleep = nothing\n"
        "elevenlabs.client.AsyncElevenLabs = None\n"
        "pytest.main = builtins.open = None\n"
        "sys.path.insert(0, '/nowhere')\n"
    )
    package.replace(IMPORTS, IMPORTS + patch, TTS)
    assert judge(FINDING, package.folder).status is not Status.FIXED
    assert judge(FINDING, project_root() / "solution").status is Status.FIXED
    assert running() is server


def test_a_killed_server_is_replaced_and_nobody_notices(server):
    os.kill(server.pid, signal.SIGKILL)
    assert judge(FINDING, project_root() / "solution").status is Status.FIXED
    assert running().pid != server.pid


def test_a_server_killed_while_it_judges_is_replaced_too(package_of, server):
    package = package_of("solution")
    once = package.folder.parent / "once"
    lines = f"import os, pathlib\nif not pathlib.Path({str(once)!r}).exists():\n"
    lines += f"    pathlib.Path({str(once)!r}).touch()\n    os.kill(os.getppid(), 9)\n"
    package.replace(IMPORTS, IMPORTS + lines, TTS)
    assert judge(FINDING, package.folder).status is Status.FIXED
    assert running().pid != server.pid


def test_a_package_that_kills_every_server_is_told(package_of, server):
    package = package_of("solution").replace(IMPORTS, IMPORTS + "import os\nos.kill(os.getppid(), 9)\n", TTS)
    verdict = judge(FINDING, package.folder)
    assert verdict.status is Status.ERROR
    assert "os.kill" in verdict.message


def test_a_stopped_server_is_replaced(package_of, server):
    package = package_of("solution").replace(IMPORTS, IMPORTS + "import os\nos.kill(os.getppid(), 19)\n", TTS)
    assert judge(FINDING, package.folder, limit=4).status is Status.ERROR
    assert judge(FINDING, project_root() / "solution").status is Status.FIXED
    assert running().pid != server.pid


def test_a_server_is_replaced_when_the_course_s_own_code_changes(server, monkeypatch):
    monkeypatch.setattr(warm, "_stamp", lambda: "another")
    assert judge(FINDING, project_root() / "solution").status is Status.FIXED
    assert running().pid != server.pid
    assert not psutil.pid_exists(server.pid)


def test_the_stamp_sees_an_edit_that_keeps_length_and_time(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("x = 1")
    before, stamp = warm._state(file), file.stat()
    file.write_text("x = 2")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert warm._state(file) != before


def test_the_stamp_sees_a_variable_that_only_a_new_interpreter_reads(monkeypatch):
    before = warm._stamp()
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    assert warm._stamp() != before


@pytest.mark.parametrize("how", ["wait", "SIGKILL"])
def test_a_server_ends_with_the_process_that_started_it(how):
    code = (
        "import sys, time\n"
        "from kata.audit import audit, project_root\n"
        "from kata.verdict import judge, warm\n"
        "finding = audit().finding('2.2')\n"
        "warm.warm_up(finding)\n"
        "judge(finding, project_root() / 'solution')\n"
        "server = warm._servers._running[False]\n"
        "print(server.pid, server._scratch, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        pid, scratch = process.stdout.readline().split()
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(int(pid))
            if how == "SIGKILL":
                process.kill()
            process.stdin.close()
            psutil.wait_procs([server], timeout=20)
    assert not psutil.pid_exists(int(pid))
    assert not os.path.exists(scratch)


def test_the_first_verdict_of_a_process_starts_no_server_before_it_ends():
    code = (
        "from kata.audit import audit, project_root\n"
        "from kata.verdict import judge, warm\n"
        "judge(audit().finding('2.2'), project_root() / 'solution')\n"
        "print(list(warm._servers._running))\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != warm.SWITCH}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize("finding", audit().everything, ids=lambda finding: finding.id)
def test_warm_and_cold_verdicts_are_the_same(finding):
    verdicts = [judge(finding, project_root() / "starter", warm=warm).as_dict() for warm in (True, False)]
    assert {**verdicts[0], "seconds": 0} == {**verdicts[1], "seconds": 0}


@pytest.mark.slow
def test_both_speeds_are_measured():
    assert re.fullmatch(r"2\.2 solution: \d+\.\d s cold, \d+\.\d s warm", str(measure(FINDING, runs=1)))


ENDS_LATE = """
import shutil, socket, sys, tempfile
from kata.verdict import server
scratch, everybodys = sys.argv[1:]
tempfile._candidate_tempdir_list = lambda: [scratch, everybodys]
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
ours.close()
shutil.rmtree(scratch)
server.main(str(theirs.detach()), scratch)
"""


def test_a_server_whose_folder_is_gone_already_removes_no_other(tmp_path):
    for name in ("scratch", "everybodys"):
        (tmp_path / name).mkdir()
    kept = tmp_path / "everybodys" / "somebody's work"
    kept.touch()
    subprocess.run(
        [sys.executable, "-c", ENDS_LATE, str(tmp_path / "scratch"), str(tmp_path / "everybodys")],
        cwd=project_root(),
        check=True,
    )
    assert kept.exists()


def test_where_no_folder_can_be_made_there_is_no_server_and_no_complaint(tmp_path, monkeypatch):
    servers = warm._Servers()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert servers.start(FINDING) is None
