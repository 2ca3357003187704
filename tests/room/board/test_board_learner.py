"""The learner's side: nothing without joining, one word for each finding with it, and never in the verdict's way."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from boards import KATA, PATIENCE, Learner, kata, served
from click.testing import CliRunner

from kata import doctor
from kata.audit import audit, project_root
from kata.cli import main
from kata.room.board import call, membership, telling
from kata.room.board.invitation import HERE, VARIABLE, BadInvitation, Invitation, code_of, new_code
from kata.room.board.name import MOST, BadName, free, name_of, sameness
from kata.target import WORKSPACE_VARIABLE
from kata.verdict import Status
from kata.verdict.model import Behaviour, Verdict
from kata.workspace import progress

SLEEP = audit().finding("1.4")
STT = "modules/speech/speech_to_text.py"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's workspace, fresh from the starter."""
    folder = tmp_path / "workspace"
    shutil.copytree(project_root() / "starter", folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def judge(monkeypatch):
    """A judge who finds what the test says: fixed, unless it says something else."""
    said = {"status": Status.FIXED}

    def judge(finding, folder):
        return Verdict(finding.id, said["status"], Behaviour.KEPT, None, "seen", 1.0)

    monkeypatch.setattr(progress, "judge", judge)
    return said


@pytest.fixture
def silence():
    """An address at which connections are made, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def joined(folder, url):
    """A workspace that has joined a board which is not there."""
    place = membership.Membership(url, "0" * 32, "1" * 32, "Ada", "22" * 32)
    membership.keep(folder, place)
    return place


def url_of(listener):
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
def test_a_learner_joins_is_judged_and_leaves(tmp_path):
    folder = tmp_path / "workspace"
    with served(tmp_path / "board.sqlite") as board:
        where = f"127.0.0.1:{board.port}/{board.code}"
        run = kata("join", where, "--name", "Ada", workspace=folder)
        assert run.returncode == 0, run.stderr
        assert run.stdout.splitlines() == [
            f"the board at {board.url} gets, and shows to the room:",
            "  the name Ada",
            "  of each finding that you have judged, or judge from now on: its id, the verdict in one word, and when",
            "nothing else is sent, and no code of yours; `kata leave` stops it and has the board forget you",
            f"you are on the board at {board.url} as Ada: `kata leave` takes you off",
        ]
        assert board.verdicts() == {"Ada": {}}
        first = kata("check", "1.4", workspace=folder)
        assert board.verdicts() == {"Ada": {"1.4": "untouched"}}
        _refactored(folder)
        board.stop()
        board.ended()
        away = kata("check", "1.4", workspace=folder)
        assert away.stdout.splitlines()[0] == "✓ 1.4 time.sleep between retries (workspace): fixed"
        assert away.returncode == 0
        assert away.stderr == first.stderr == ""
        assert kata("progress", workspace=folder).stdout.endswith("; 1 verdict to tell it, with the next\n")
    with served(tmp_path / "board.sqlite", f"--port={board.port}") as board:
        assert board.verdicts() == {"Ada": {"1.4": "untouched"}}
        kata("check", "1.1", workspace=folder)
        assert board.verdicts() == {"Ada": {"1.1": "untouched", "1.4": "fixed"}}
        run = kata("leave", workspace=folder)
        assert run.stdout == f"the board at {board.url} has forgotten Ada, and nothing is sent any more\n"
        assert board.verdicts() == {}
        kata("check", "1.1", workspace=folder)
        assert board.verdicts() == {}


def _refactored(folder):
    text = (folder / STT).read_text(encoding="utf-8").replace("import time\n", "import asyncio\n")
    (folder / STT).write_text(text.replace("time.sleep(", "await asyncio.sleep("), encoding="utf-8")


WATCHED = """
import sys
seen = []
sys.addaudithook(lambda event, told: seen.append(event) if event.startswith("socket.") else None)
from kata.audit import audit
from kata.cli import main
from kata.target import workspace
from kata.verdict.model import Behaviour, Status, Verdict
from kata.workspace import progress
progress.judge = lambda finding, folder: Verdict(finding.id, Status.FIXED, Behaviour.KEPT, None, "seen", 1.0)
try:
    main(["check", "1.4"])
except SystemExit:
    pass
telling = sys.modules.get("kata.room.board.telling")
if telling:
    telling._teller.finish()
about = [name for name in sys.modules if name.startswith(("kata.room.board", "http.client", "hmac"))]
print("socket.connect" in seen, len(seen), about, file=sys.stderr)
"""


def watched(folder):
    """What `kata check` does to sockets, and what of the board it imports."""
    environment = {**os.environ, WORKSPACE_VARIABLE: str(folder), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", WATCHED]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)
    return run.stderr.splitlines()[-1]


def test_who_has_not_joined_opens_no_socket_and_imports_nothing_of_the_board(folder):
    assert watched(folder) == "False 0 []"


def test_who_has_joined_opens_one(folder, silence):
    joined(folder, url_of(silence))
    assert watched(folder).startswith("True ")


def test_a_verdict_is_out_before_the_board_has_said_anything(folder, judge, silence, monkeypatch):
    monkeypatch.setattr(call, "PATIENCE", PATIENCE)
    monkeypatch.setattr(telling, "AT_THE_END", PATIENCE)
    joined(folder, url_of(silence))
    assert progress.judged(SLEEP, folder).status is Status.FIXED
    line, _ = silence.accept()
    with line:
        assert line.recv(4096).startswith(b"POST /report HTTP/1.1\r\n")
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")  # it is still waited for
        telling._teller.finish()
    assert telling.waiting(folder) == 0


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n[]", b"\x00", b"SSH-2.0-x\r\n"]
)
def test_a_verdict_is_the_same_whatever_answers(folder, judge, silence, answer):
    def serve():
        line, _ = silence.accept()
        with line:
            line.recv(4096)
            line.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    joined(folder, url_of(silence))
    assert progress.judged(SLEEP, folder).status is Status.FIXED
    thread.join(PATIENCE)
    telling._teller.finish()
    assert telling.waiting(folder) == 1


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"url": 7}', '"on"', "\ud800"])
def test_a_place_that_somebody_has_edited_is_none(folder, judge, content):
    joined(folder, HERE)
    (folder / progress.MEMBERSHIP).write_bytes(content.encode("utf-8", "surrogatepass"))
    assert progress.judged(SLEEP, folder).status is Status.FIXED
    telling._teller.finish()
    assert progress.place_on_the_board() == ""
    assert CliRunner().invoke(main, ["leave"]).exit_code == 2
    assert not (folder / progress.MEMBERSHIP).exists()


def test_the_place_is_for_its_owner_only(folder):
    joined(folder, HERE)
    if sys.platform != "win32":
        assert (folder / progress.MEMBERSHIP).stat().st_mode & 0o777 == 0o600


def test_who_cannot_reach_the_board_leaves_all_the_same(folder, judge):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = url_of(nobody)
    joined(folder, url)
    run = CliRunner().invoke(main, ["leave"])
    assert run.exit_code == 1
    assert "nothing is sent any more, but the board has not forgotten you" in run.output
    assert progress.place_on_the_board() == (
        f"the board at {url} may still show Ada: `kata leave` asks it once more to forget you"
    )
    progress.judged(SLEEP, folder)
    assert (telling.tell(folder), telling.waiting(folder)) == (0, 0)


def test_the_verdicts_one_has_are_told_on_joining(tmp_path, folder, judge):
    progress.judged(SLEEP, folder)
    with served(tmp_path / "board.sqlite") as board:
        run = CliRunner().invoke(main, ["join", f"{board.url}/{board.code}", "--name", "Ada"])
        assert run.exit_code == 0, run.output
        assert run.output.endswith("told it of 1 verdict that you have\n")
        assert board.verdicts() == {"Ada": {"1.4": "fixed"}}
        judge["status"] = Status.BROKEN
        progress.judged(SLEEP, folder)
        telling._teller.finish()
        assert board.verdicts() == {"Ada": {"1.4": "broken"}}
        again = CliRunner().invoke(main, ["join", board.code, "--name", "Bo"])
        assert again.exit_code == 2
        assert f"you are on the board at {board.url} as Ada" in again.output
        assert [check() for check in doctor._joined().values()] == [progress.place_on_the_board()]


def test_a_second_learner_of_that_name_is_told_what_is_free(tmp_path, folder):
    with served(tmp_path / "board.sqlite") as board:
        Learner(tmp_path / "first", "Ada").joins(board)
        run = CliRunner().invoke(main, ["join", f"{board.url}/{board.code}", "--name", "ada"])
        assert run.exit_code == 2
        assert "Ada is on the board already: choose another name, such as ada 2" in run.output
        assert progress.place_on_the_board() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no terminal to be had")
def test_in_a_terminal_it_asks(tmp_path, folder):
    import pexpect

    with served(tmp_path / "board.sqlite") as board:
        Learner(tmp_path / "first", "Ada").joins(board)
        told = [*KATA[1:], "join", f"{board.url}/{board.code}"]
        child = pexpect.spawn(KATA[0], told, encoding="utf-8", timeout=PATIENCE)
        child.expect("what shall the room call you: ")
        child.sendline("Ada")
        child.expect(r"what shall the room call you \[Ada 2\]: ")
        child.sendline("")
        child.expect("as Ada 2: `kata leave` takes you off")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
        assert set(board.verdicts()) == {"Ada", "Ada 2"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["join", "--name", "Ada"], "the join code is missing: type what stands on the whiteboard"),
        (["join", "kmq-3xfh", "--name", "Ada"], "is no join code: one looks like k7mq-3xfh"),
        (["join", "ftp://x/k7mq-3xfh", "--name", "Ada"], "looks like 192.0.2.7:8642/k7mq-3xfh"),
        (["join", "k7mq-3xfh"], "say what the room shall call you: --name Ada"),
        (["join", "k7mq-3xfh", "--name", "x" * 21], "choose one of at most 20"),
        (["join", "k7mq-3xfh", "--name", "\u202e"], "choose another"),
        (["leave"], "you are on no board"),
        (["board", "--delete", "--forget", "Ada"], "not both"),
        (["board", "--key", __file__], "--key goes with --certificate"),
        (["board", "--host", "nowhere.invalid"], "cannot be had"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_status_2_and_says_what_is_right(folder, tmp_path, arguments, says):
    place = ["--file", str(tmp_path / "board.sqlite")] if arguments[0] == "board" else []
    run = CliRunner().invoke(main, [*arguments, *place])
    assert run.exit_code == 2, run.output
    assert says in run.output


def test_a_board_that_is_not_there_is_said(folder):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = url_of(nobody)
    run = CliRunner().invoke(main, ["join", f"{url}/k7mq-3xfh", "--name", "Ada"])
    assert run.exit_code == 1
    assert f"you are not on the board: no board answers at {url}" in run.output


class TestInvitation:
    @pytest.mark.parametrize("typed", ["k7mq-3xfh", "K7MQ-3XFH", "k7mq3xfh", " k7mq 3xfh "])
    def test_a_code_alone_is_for_this_machine_or_the_one_that_the_environment_names(self, typed):
        assert Invitation.parse(typed) == Invitation(HERE, "k7mq-3xfh")
        for preset in ("192.0.2.7", "http://192.0.2.7:8642", "192.0.2.7:8642/aaaa-aaaa"):
            assert Invitation.parse(typed, preset) == Invitation("http://192.0.2.7:8642", "k7mq-3xfh")

    @pytest.mark.parametrize(
        ("typed", "url"),
        [
            ("192.0.2.7:9000/k7mq-3xfh", "http://192.0.2.7:9000"),
            ("192.0.2.7/k7mq-3xfh/", "http://192.0.2.7:8642"),
            ("https://board.example/k7mq-3xfh", "https://board.example:8642"),
            ("[2001:db8::7]:9000/k7mq-3xfh", "http://[2001:db8::7]:9000"),
        ],
    )
    def test_an_address_has_the_code_at_its_end(self, typed, url):
        assert Invitation.parse(typed, "192.0.2.9/aaaa-aaaa") == Invitation(url, "k7mq-3xfh")

    def test_the_environment_can_say_it_all(self, monkeypatch):
        assert Invitation.parse(None, "192.0.2.7/k7mq-3xfh") == Invitation("http://192.0.2.7:8642", "k7mq-3xfh")
        monkeypatch.setenv(VARIABLE, "ftp://x")
        run = CliRunner().invoke(main, ["join", "--name", "Ada"])
        assert f"{VARIABLE} looks like" in run.output

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "k7mq-3xf",
            "k7mq-3xf0",
            "x:y/k7mq-3xfh",
            "a@b/k7mq-3xfh",
            "b/a/k7mq-3xfh",
            "b:99999/k7mq-3xfh",
            "http://",
        ],
    )
    def test_anything_else_is_none(self, typed):
        with pytest.raises(BadInvitation):
            Invitation.parse(typed)

    def test_every_code_can_be_typed(self):
        codes = {new_code() for _ in range(200)}
        assert {code_of(code.upper().replace("-", " ")) for code in codes} == codes
        assert len(codes) == 200


class TestName:
    @pytest.mark.parametrize(
        "name", ["Ada", "李雷", "Çağla", "अदिति", "Nguyễn Thị", "<script>", "می‌خواهم", "👩‍🚀", "O'Hara", "x" * MOST]
    )
    def test_people_are_called_as_they_are(self, name):
        assert name_of(f"  {name} ") == name

    @pytest.mark.parametrize("name", ["", " ", "\u200d", "a\x1b[31m", "a\u2066b", "\ue000", "x" * (MOST + 1), "\u0301"])
    def test_what_is_not_seen_is_no_name(self, name):
        with pytest.raises(BadName):
            name_of(name)

    def test_a_free_one_is_one_that_nobody_has_and_not_too_long(self):
        taken = {sameness(name) for name in ("Ada", "ADA 2", "x" * MOST)}
        assert free("Ada", taken) == "Ada 3"
        assert free("Bo", taken) == "Bo"
        assert free("x" * MOST, taken) == "x" * (MOST - 2) + " 2"


def test_a_message_about_everything_is_below_its_limit(tmp_path):
    from kata.room.board.message import LIMIT, canonical

    learner = Learner(tmp_path / "one", "Ada")
    joined(learner.folder, HERE)
    now = 2**53 - 1
    everything = {f"{number}.10": ["untouched", now] for number in range(telling._AT_ONCE)}
    assert len(canonical(learner.report(count=now, now=now, verdicts=everything))) <= LIMIT
    assert len(audit().everything) <= telling._AT_ONCE


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked here")
def test_while_a_command_waits_for_the_board_it_starts_nothing_for_verdicts_to_come():
    code = (
        "from kata.audit import audit; from kata.room.board import telling; from kata.verdict import warm\n"
        "telling._teller._end(); warm.warm_up(audit().finding('1.4')); print(len(warm._servers._running))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "0\n"
