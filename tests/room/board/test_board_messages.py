"""What a board lets in: messages of those who have joined, whole and new; and nothing else takes it down."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from boards import PATIENCE, client_of, code_key, post, post_signed

from kata.room.board import call, membership, telling
from kata.room.board.invitation import Invitation, new_code
from kata.room.board.membership import NameTaken
from kata.room.board.message import LIMIT, SIGNATURE, canonical, key_of_code, sign
from kata.verdict.model import Status


@pytest.fixture
def board(module_board):
    return module_board


@pytest.fixture
def ada(board, board_learner):
    """A learner who has joined, and has told nothing."""
    ada = board_learner()
    ada.joins(board)
    return ada


def test_what_is_told_is_on_the_board(board, ada):
    statuses = dict(zip(("_1_1", "_1_2", "_1_3", "_1_4", "_1_5"), map(str, Status), strict=True))
    assert ada.tells(**statuses) == len(Status)
    assert board.verdicts()[ada.name] == {
        "1.1": "untouched",
        "1.2": "present",
        "1.3": "broken",
        "1.4": "fixed",
        "1.5": "error",
    }
    assert ada.tells(_1_2="fixed") == 1
    assert board.verdicts()[ada.name]["1.2"] == "fixed"
    assert ada.tells() == 0


def test_a_message_that_is_right_is_taken_and_not_a_second_time(board, ada):
    body = canonical(ada.report())
    signature = sign(ada.place.secret, body)
    assert post(board, "/report", body, signature).status_code == 200
    again = post(board, "/report", body, signature)
    assert (again.status_code, again.json()["count"]) == (409, 1)
    assert board.verdicts()[ada.name] == {"1.4": "fixed"}
    assert post_signed(board, "/report", ada.report(count=2, verdicts={}), ada.place.secret).status_code == 200


def test_an_older_message_does_not_undo_a_newer_one(board, ada):
    newer, older = ada.report(count=7), ada.report(count=6, verdicts={"1.4": ["present", 1000]})
    assert post_signed(board, "/report", newer, ada.place.secret).status_code == 200
    assert post_signed(board, "/report", older, ada.place.secret).status_code == 409
    assert board.verdicts()[ada.name] == {"1.4": "fixed"}


def test_a_laptop_that_has_counted_less_counts_on_from_there(board, ada):
    far = int(time.time() * 1000) + 10**9
    assert post_signed(board, "/report", ada.report(count=far), ada.place.secret).status_code == 200
    assert ada.tells(_2_1="present") == 1
    assert board.verdicts()[ada.name]["2.1"] == "present"
    assert membership.leave(ada.folder).name == ada.name
    assert ada.name not in board.verdicts()


def changed(**changes):
    return lambda learner: canonical(learner.report(**changes))


def text(old, new):
    return lambda learner: canonical(learner.report()).replace(old, new)


WRONG = {
    "an unknown finding": (changed(verdicts={"9.9": ["fixed", 1]}), 400),
    "an unknown status": (changed(verdicts={"1.4": ["perfect", 1]}), 400),
    "a status that is a number": (changed(verdicts={"1.4": [1, 1]}), 400),
    "no time": (changed(verdicts={"1.4": ["fixed"]}), 400),
    "a time that is text": (changed(verdicts={"1.4": ["fixed", "now"]}), 400),
    "verdicts that are a list": (changed(verdicts=[["1.4", "fixed"]]), 400),
    "something beside": (changed(code="import os"), 400),
    "another kind": (changed(kind="leave"), 400),
    "a count that is true": (changed(count=True), 400),
    "a count below nothing": (changed(count=-1), 400),
    "a count that nothing can hold": (changed(count=10**30), 400),
    "a count with a fraction": (changed(count=1.5), 400),
    "half a number": (text(b'"count":1', b'"count":NaN'), 400),
    "a key twice": (text(b'"count":1', b'"count":1,"count":2'), 400),
    "a blank": (text(b'"count":1', b'"count": 1'), 400),
    "another order": (lambda learner: json.dumps(dict(reversed(learner.report().items()))).encode(), 400),
    "half a message": (lambda learner: canonical(learner.report())[:-5], 400),
    "nothing": (lambda _: b"", 400),
    "no object": (lambda _: b"[]", 400),
    "no text": (lambda _: b"\xff\xfe\x00", 400),
    "brackets without end": (lambda _: b"[" * LIMIT, 400),
    "braces without end": (lambda _: b'{"a":' * (LIMIT // 5), 400),
    "too much": (lambda learner: canonical(learner.report()) + b" " * LIMIT, 413),
    "a learner who is none": (changed(learner="0" * 32), 404),
    "a learner who is a path": (changed(learner="../../" + "0" * 26), 400),
    "another board": (changed(board="0" * 32), 404),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_signed_message_that_is_wrong_changes_nothing(board, ada, what):
    wrong, status = WRONG[what]
    body = wrong(ada)
    before = board.verdicts()
    answer = post(board, "/report", body, sign(ada.place.secret, body))
    assert (answer.status_code, set(answer.json()) >= {"error"}) == (status, True), answer.text
    assert board.verdicts() == before
    assert post_signed(board, "/report", ada.report(), ada.place.secret).status_code == 200


SIGNATURES = {
    "none": lambda learner, other, body: "",
    "one of another message": lambda learner, other, body: sign(learner.place.secret, body + b" "),
    "somebody else's": lambda learner, other, body: sign(other.place.secret, body),
    "one of the code": lambda learner, other, body: sign(code_key(other.board), body),
    "one digit less": lambda learner, other, body: sign(learner.place.secret, body)[:-1],
    "one in capitals": lambda learner, other, body: sign(learner.place.secret, body).upper(),
    "something else": lambda learner, other, body: "\xe9" * 64,
}


@pytest.mark.parametrize("what", SIGNATURES)
@pytest.mark.parametrize("path", ["/report", "/leave"])
def test_a_message_with_another_signature_changes_nothing(board, ada, board_learner, what, path):
    other = board_learner()
    other.joins(board)
    other.board = board
    message = ada.report() if path == "/report" else {**_leaving(ada), "count": 1}
    body = canonical(message)
    assert post(board, path, body, SIGNATURES[what](ada, other, body)).status_code == 401
    assert board.verdicts()[ada.name] == {}
    assert post_signed(board, path, message, ada.place.secret).status_code == 200


def _leaving(learner):
    return {"board": learner.place.board, "kind": "leave", "learner": learner.place.learner}


def test_a_message_that_says_it_is_too_long_is_refused_before_it_is_sent(board):
    with _line(board) as line:
        line.sendall(f"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT + 1}\r\n\r\n".encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_message_that_does_not_say_how_long_it_is_is_not_read_to_its_end(board):
    with _line(board) as line:
        line.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        line.sendall(b"%x\r\n%s\r\n" % (LIMIT + 1, b"x" * (LIMIT + 1)))
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_who_sends_half_a_message_and_waits_keeps_nobody_from_the_board(board, ada):
    lines = [_line(board) for _ in range(50)]
    try:
        for line in lines[::2]:
            line.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
        for line in lines[1::2]:
            line.sendall(b"POST /rep")
        assert ada.tells(_1_1="fixed") == 1
    finally:
        for line in lines:
            line.close()


@pytest.mark.slow
def test_half_a_message_is_not_waited_for_for_ever(board):
    with _line(board) as line:
        line.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
        assert line.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.slow
def test_a_line_on_which_nothing_is_asked_is_closed(board):
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(_line(board)) for _ in range(3)]
        lines[1].sendall(b"GET /bo")
        lines[2].sendall(b"GET /board HTTP/1.1\r\nHost: x\r\n\r\n")
        assert lines[2].recv(4096).startswith(b"HTTP/1.1 200 ")
        lines[2].sendall(b"GET /bo")
        for line in lines:
            while line.recv(4096):
                pass


def _line(board):
    return socket.create_connection(("127.0.0.1", board.port), timeout=PATIENCE)


@pytest.mark.parametrize(
    "noise",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\x00" * 4096, b"GET " + b"/" * 70_000, b"PRI * HTTP/2.0\r\n\r\n"],
)
def test_noise_is_none_of_the_board_s_business(board, ada, noise):
    with _line(board) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        while line.recv(4096):
            pass
    assert ada.tells(_1_1="fixed") == 1


def test_whoever_sends_without_end_is_slowed_down_and_nobody_else_is(board, ada, board_learner):
    secret = ada.place.secret
    bodies = [canonical(ada.report(count=count)) for count in range(1, 121)]
    with client_of(board) as client, ThreadPoolExecutor(8) as pool:
        sent = pool.map(
            lambda body: client.post("/report", content=body, headers={SIGNATURE: sign(secret, body)}), bodies
        )
        answers = [answer.status_code for answer in sent]
    assert {200, 429} <= set(answers) <= {200, 409, 429}
    bo = board_learner()
    bo.joins(board)
    assert bo.tells(_1_4="fixed") == 1


def test_a_flood_in_somebody_s_name_does_not_slow_them_down(board, ada):
    body = canonical(ada.report())
    with client_of(board) as client:
        for _ in range(100):
            assert client.post("/report", content=body, headers={SIGNATURE: "0" * 64}).status_code == 401
    assert ada.tells(_1_4="fixed") == 1


@pytest.mark.parametrize("clock", [0, 10**9, 4 * 10**12, 2**53 - 1])
def test_a_clock_that_shows_anything_is_as_good_as_another(board, ada, clock):
    message = ada.report(now=clock, verdicts={"1.4": ["present", max(0, clock - 60_000)], "1.5": ["present", clock]})
    assert post_signed(board, "/report", message, ada.place.secret).status_code == 200
    assert board.verdicts()[ada.name] == {"1.4": "present", "1.5": "present"}
    minutes = {finding["id"]: finding["minutes"] for finding in board.room()["findings"]}
    assert all(each is None or 0 <= each < PATIENCE for each in minutes.values())


BAD_NAMES = ["", "a" * 21, "a\0b", "a\u202eb", "a" + "\u0301" * 5, "\u0301", " A", "A\n", "\ud800", "\u200b"]


class TestJoining:
    def test_the_code_has_to_be_this_board_s(self, board, board_learner):
        other = new_code()
        with pytest.raises(call.Refusal, match="not the code of this board"):
            membership.join(board_learner().folder, Invitation(board.url, other), "Ada")
        assert "Ada" not in board.verdicts()

    def test_the_code_itself_is_never_sent(self, board, board_learner, monkeypatch):
        sent, exchanged = [], call._exchanged
        monkeypatch.setattr(call, "_exchanged", lambda *told: sent.append(repr(told)) or exchanged(*told))
        learner = board_learner()
        learner.joins(board)
        learner.tells(_1_4="fixed")
        assert [board.url in each for each in sent] == [True] * 3
        assert not any(board.code in each or learner.place.key in each for each in sent)

    def test_who_does_not_know_the_code_is_not_taken_for_the_board(self, board, board_learner, monkeypatch):
        true = call._exchanged

        def impostor(*told):
            status, body, signature = true(*told)
            return status, body.replace(b'"nonce":"', b'"nonce":"0'), signature

        monkeypatch.setattr(call, "_exchanged", impostor)
        learner = board_learner()
        with pytest.raises(call.Unreachable, match="it does not know the code"):
            learner.joins(board)
        assert membership.membership(learner.folder) is None

    def test_a_name_that_somebody_has_is_taken(self, board, ada, board_learner):
        for written in (ada.name, f"  {ada.name} ", ada.name.replace("-", "-\u200d")):
            with pytest.raises(NameTaken, match="is on the board already: choose another name") as error:
                board_learner(written).joins(board)
            assert error.value.free.endswith(" 2")
        bo = board_learner(f"{ada.name} 2")
        bo.joins(board)
        with pytest.raises(NameTaken, match=f"such as {ada.name} 3"):
            board_learner(ada.name).joins(board)

    def test_an_answer_that_got_lost_is_asked_for_again(self, board, board_learner, monkeypatch):
        learner, keep = board_learner(), membership.keep
        monkeypatch.setattr(membership, "keep", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            learner.joins(board)
        monkeypatch.setattr(membership, "keep", keep)
        learner.joins(board)
        assert learner.tells(_1_4="fixed") == 1
        assert [name for name in board.verdicts() if name.startswith(learner.name)] == [learner.name]

    def test_an_old_request_brings_nobody_back(self, board, ada):
        message = {"board": board.id, "kind": "join", "name": "Bo", "nonce": "a" * 32}
        assert post_signed(board, "/join", message, code_key(board)).status_code == 200
        other_name = {**message, "name": "Cy"}
        assert post_signed(board, "/join", other_name, code_key(board)).status_code == 404
        assert board.kata("--forget", "bo").exit_code == 0
        assert post_signed(board, "/join", message, code_key(board)).status_code == 404
        assert not {"Bo", "Cy"} & set(board.verdicts())

    @pytest.mark.parametrize(
        "name", ["", "a" * 21, "a\0b", "a\u202eb", "a" + "\u0301" * 5, "\u0301", " A", "A\n", "<\ud800>"]
    )
    def test_a_name_is_looked_at_by_the_board_as_well(self, board, name):
        message = {"board": board.id, "kind": "join", "name": name, "nonce": "b" * 32}
        before = board.verdicts()
        assert post_signed(board, "/join", message, code_key(board)).status_code == 400
        assert board.verdicts() == before

    def test_who_has_left_is_forgotten(self, board, ada):
        ada.tells(_1_4="fixed")
        membership.leave(ada.folder)
        assert ada.name not in board.verdicts()
        assert ada.name.encode() not in board.file.read_bytes()
        assert membership.membership(ada.folder) is None
        assert ada.tells(_1_4="present") == 0

    def test_whom_the_teacher_takes_off_sends_nothing_any_more(self, board, ada):
        ada.tells(_1_4="fixed")
        assert board.kata("--forget", ada.name).exit_code == 0
        assert ada.name not in board.verdicts()
        with pytest.raises(call.Refusal) as error:
            ada.tells(_1_4="present")
        assert error.value.is_gone
        assert ada.place.state == "gone"
        assert ada.tells(_1_4="fixed") == 0
        ada.joins(board)
        assert ada.tells() == 1


def _headers(board, path):
    with client_of(board) as browser:
        return browser.get(path).headers


class TestTheTeachersPage:
    def test_without_the_token_there_is_nothing_to_be_seen(self, board, ada):
        with client_of(board) as browser:
            shell = browser.get("/")
            assert ada.name not in shell.text
            assert board.code not in shell.text
            assert browser.get("/events").status_code == 401
            for token in ("", board.code, board.id, board.token[:-1], None, 7, ["x"]):
                assert browser.post("/open", json={"token": token}).status_code == 401
            assert browser.post("/open", content=b"[" * LIMIT).status_code == 401
            assert browser.get("/open").status_code == 401

    def test_the_token_is_in_no_address_and_the_cookie_is_not_it(self, board):
        with client_of(board) as browser:
            answer = browser.post("/open", json={"token": board.token})
            cookie = answer.headers["set-cookie"]
            assert board.token not in cookie
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie
            assert browser.get("/open").status_code == 200

    @pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/events", "/board", "/nowhere"])
    def test_a_browser_is_told_to_fetch_nothing_from_elsewhere(self, board, path):
        headers = _headers(board, path)
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")

    def test_an_order_is_the_teacher_s_and_of_now(self, board, ada):
        def order(token, now):
            message = {"board": board.id, "kind": "forget", "name": ada.name, "now": now}
            return post_signed(board, "/order", message, token.encode()).status_code

        now = int(time.time() * 1000)
        assert (order(board.code, now), order(board.token, now - 10**6), order(board.token, 0)) == (401, 401, 401)
        assert ada.name in board.verdicts()
        assert order(board.token, now) == 200
        assert ada.name not in board.verdicts()


def test_the_key_of_a_code_is_another_on_another_board(board):
    assert key_of_code(board.code, board.id) != key_of_code(board.code, "0" * 32)


def test_what_waits_is_one_word_for_each_finding(ada):
    for status in ("present", "broken", "present"):
        ada.judged(_1_4=status, _1_5=status)
    assert telling.waiting(ada.folder) == 2
    ada.tells()
    assert telling.waiting(ada.folder) == 0
