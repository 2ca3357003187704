"""A board lives as long as its file: it survives its command, and ends when it is deleted."""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
from datetime import timedelta

import pytest
from boards import client_of, code_key, kata, post_signed, served
from click.testing import CliRunner

from kata.certificate import self_signed
from kata.cli import main
from kata.room.board.invitation import Invitation
from kata.room.board.message import SIGNATURE, canonical, sign
from kata.room.board.store import MOST, Full, NotABoard, Standing, Store
from kata.verdict.model import Status


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept here" / "board.sqlite"


@pytest.fixture
def ada(board_learner):
    return board_learner("Ada")


def test_ctrl_c_ends_the_page_and_the_next_start_goes_on(file, ada):
    with served(file) as board:
        ada.joins(board)
        ada.tells(_1_4="present")
        first = board.code, board.token
        with board.looking() as events:
            next(events)
            board.stop()
            status, errors = board.ended()
    if sys.platform != "win32":
        assert (status, errors) == (0, "")
    with served(file, "--port", str(board.port)) as again:
        assert (again.code, again.token) == first
        assert again.verdicts() == {"Ada": {"1.4": "present"}}
        assert ada.tells(_1_4="fixed") == 1
        assert again.verdicts() == {"Ada": {"1.4": "fixed"}}


def test_a_page_that_looks_on_sees_every_change(file, ada):
    with served(file) as board, board.looking() as events:
        assert next(events)["learners"] == 0
        ada.joins(board)
        assert next(events)["learners"] == 1
        ada.tells(_1_4="fixed")
        assert next(events)["who"] == [{"name": "Ada", "verdicts": {"1.4": "fixed"}}]


def test_delete_ends_a_board_that_is_served_and_leaves_nothing(file, ada):
    with served(file) as board:
        ada.joins(board)
        run = board.kata("--delete")
        assert (run.exit_code, run.output) == (0, f"deleted {file}: nothing is left of the board\n")
        assert board.ended() == (0, "")
    assert list(file.parent.iterdir()) == []
    with served(file) as another:
        assert another.code != board.code
        assert another.verdicts() == {}


def test_delete_ends_a_board_that_is_not_served_too(file):
    with served(file) as board:
        pass
    assert board.kata("--delete").exit_code == 0
    assert list(file.parent.iterdir()) == []
    gone = board.kata("--delete")
    assert gone.exit_code == 2
    assert f"there is no board at {file}" in gone.output


def test_whom_the_teacher_takes_off_is_gone_whether_it_is_served_or_not(file, board_learner):
    with served(file) as board:
        for name in ("Ada", "Bo"):
            board_learner(name).joins(board)
        assert board.kata("--forget", "ADA").exit_code == 0
        assert set(board.verdicts()) == {"Bo"}
        nobody = board.kata("--forget", "Ada")
        assert (nobody.exit_code, "nobody on the board has that name: Ada" in nobody.output) == (2, True)
    assert board.kata("--forget", "Bo").exit_code == 0
    with Store(file) as store:
        assert store.room() == {}


def test_a_board_is_served_once(file):
    with served(file) as board:
        again = kata("board", "--port=0", "--file", str(file))
        assert again.returncode == 3
        assert f"served already, at {board.url}" in again.stderr
        other = kata("board", f"--port={board.port}", "--file", str(file.with_name("other.sqlite")))
        assert other.returncode == 2
        assert "pass another --port" in other.stderr


def test_its_file_is_for_its_owner_only(file):
    with Store(file):
        pass
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_else_is_kept_about_anybody(file, ada):
    with served(file) as board:
        ada.joins(board)
        ada.tells(_1_4="present")
    base = sqlite3.connect(file)
    tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
    columns = {name: [column[1] for column in base.execute(f"pragma table_info({name})")] for name in tables}
    base.close()
    assert columns == {
        "board": ["id", "code", "token", "created", "address"],
        "learner": ["id", "name", "sameness", "nonce", "answer", "count"],
        "verdict": ["learner", "finding", "status", "since"],
        "spent": ["nonce"],
    }


@pytest.mark.parametrize("content", [b"a diary", b"SQLite format 3\x00" + b"x" * 200, b"SQLite format 3\x00"])
def test_what_is_no_board_stays_as_it_is(tmp_path, content):
    diary = tmp_path / "diary"
    diary.write_bytes(content)
    for order in (["--delete"], ["--forget", "Ada"], ["--port=0"]):
        run = CliRunner().invoke(main, ["board", "--file", str(diary), *order])
        assert run.exit_code == 2, run.output
        assert "is no board" in run.output
    assert diary.read_bytes() == content


def test_neither_is_the_data_of_another_program(tmp_path):
    base = sqlite3.connect(tmp_path / "other.sqlite")
    base.execute("create table mine (secret)")
    base.close()
    with pytest.raises(NotABoard, match="no board of this course"):
        Store(tmp_path / "other.sqlite")


def test_it_is_full_at_some_time(file):
    with Store(file) as store:
        for number in range(MOST):
            store.join(f"learner {number}", f"{number:032}")
        with pytest.raises(Full):
            store.join("one more", "f" * 32)


def test_a_room_joins_at_once_and_who_joins_without_end_has_to_wait(file, ada):
    with served(file) as board, client_of(board) as client:
        body = canonical({"board": board.id, "kind": "join", "name": "Ada", "nonce": "c" * 32})
        headers = {SIGNATURE: sign(code_key(board), body)}
        answers = (client.post("/join", content=body, headers=headers).status_code for _ in range(10 * MOST))
        joined = list(itertools.takewhile(lambda status: status == 200, answers))
        assert MOST <= len(joined) < 10 * MOST
        assert set(board.verdicts()) == {"Ada"}


def test_how_long_somebody_stands_at_a_finding_is_counted_from_the_first_verdict(file):
    with Store(file) as store:
        ada = store.join("Ada", "0" * 32)
        present, fixed = (lambda at: Standing(Status.PRESENT, at)), (lambda at: Standing(Status.FIXED, at))
        for count, standing in enumerate((present(10), present(20), fixed(30), fixed(40), present(50)), 1):
            store.report(ada.id, count, {"1.4": standing})
            kept = store.room()["Ada"]["1.4"]
            assert kept == Standing(standing.status, {10: 10, 20: 10, 30: 30, 40: 30, 50: 50}[standing.since])


def test_a_report_is_written_whole_or_not_at_all(file):
    with Store(file) as store:
        ada = store.join("Ada", "0" * 32)
        broken = {"1.4": Standing(Status.FIXED, 1), "1.5": Standing(Status.FIXED, 10**30)}
        with pytest.raises(OverflowError):
            store.report(ada.id, 1, broken)
        assert store.room() == {"Ada": {}}
        store.report(ada.id, 1, {})


def test_a_file_that_cannot_be_written_any_more_does_not_end_the_board(file, ada):
    with served(file) as board:
        ada.joins(board)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("drop table verdict")
        answer = post_signed(board, "/report", ada.report(), ada.place.secret)
        assert (answer.status_code, answer.json()) == (503, {"error": "the board cannot use its file"})
        other.execute("create table verdict (learner, finding, status, since, primary key (learner, finding))")
        other.close()
        assert ada.tells(_1_4="fixed") == 1


def test_an_address_for_others_is_said_with_what_plain_http_means(file):
    with served(file, "--host=0.0.0.0", "--address=board.example") as board:
        assert f"kata join board.example:{board.port}/{board.code} --name YOUR-NAME" in board.said
        assert "plain HTTP: whoever listens on this network can read names and findings" in board.said
        assert board.url == f"http://127.0.0.1:{board.port}"
        assert Invitation.parse(f"127.0.0.1:{board.port}/{board.code}") == board.invitation


def test_counts_keep_names_from_the_page(file, board_learner):
    with served(file, "--counts") as board:
        for name in ("Ada", "Bo"):
            learner = board_learner(name)
            learner.joins(board)
            learner.tells(_1_4="present")
        room = board.room()
    assert (room["learners"], room["who"], room["stuck"]) == (2, None, ["1.4"])
    assert not {"Ada", "Bo"} & set(json.dumps(room).split('"'))


class TestTLS:
    @pytest.fixture
    def pem(self, tmp_path):
        """A certificate for 127.0.0.1 that it has signed itself, with its key."""
        (tmp_path / "board.pem").write_bytes(b"".join(self_signed(["127.0.0.1"], timedelta(days=1))))
        return tmp_path / "board.pem"

    def test_who_trusts_the_certificate_joins_and_others_are_told_why_not(self, file, pem, tmp_path):
        with served(file, "--certificate", str(pem)) as board:
            assert board.url.startswith("https://127.0.0.1:")
            invitation = f"{board.url}/{board.code}"
            for trusted, status in ((str(pem), 0), ("", 1)):
                run = kata("join", invitation, "--name", "Ada", workspace=tmp_path / "w", SSL_CERT_FILE=trusted)
                assert run.returncode == status, run.stderr
                assert ("does not trust the certificate" in run.stderr) == bool(status)
                kata("leave", workspace=tmp_path / "w", SSL_CERT_FILE=str(pem))
            assert board.kata("--delete").exit_code == 0
            assert board.ended()[0] == 0

    def test_what_is_no_certificate_is_said_before_anything_is_opened(self, file, tmp_path):
        (tmp_path / "x.pem").write_text("nothing")
        run = kata("board", "--port=0", "--file", str(file), "--certificate", str(tmp_path / "x.pem"))
        assert run.returncode == 2
        assert "is no certificate to serve with" in run.stderr
        assert not file.exists()


def test_the_code_of_a_board_is_that_of_its_file(file):
    with served(file) as board, Store(file) as store:
        assert (store.code, store.token, store.key) == (board.code, board.token, code_key(board))
