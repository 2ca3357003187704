"""Who is let in, who is not, and how often one may guess."""

from __future__ import annotations

import asyncio

import pytest

from kata.room.hub import passwords
from kata.room.hub.accounts import Accounts
from kata.room.hub.door import NOT_LET_IN, Door, Refused
from kata.room.hub.throttle import Throttle

CLASS = "k7pm-3vxq-9tdh"
HERE, THERE = "192.0.2.1", "192.0.2.2"

pytestmark = pytest.mark.usefixtures("cheap")


@pytest.fixture
def accounts(tmp_path):
    accounts = Accounts(tmp_path / "accounts.sqlite")
    accounts.set_class(CLASS)
    return accounts


@pytest.fixture
def learners(tmp_path):
    (tmp_path / "learners").mkdir()
    return tmp_path / "learners"


@pytest.fixture
def door(accounts, learners):
    return Door(accounts, learners)


async def refusal(door: Door, *call: str) -> Refused:
    with pytest.raises(Refused) as refused:
        await door.opens_for(*call)
    return refused.value


async def test_the_first_time_takes_both_passwords_and_later_the_own_one_does(door):
    assert await door.opens_for(HERE, "Ada", "my own secret", CLASS) == "ada"
    assert await door.opens_for(THERE, "ada", "my own secret") == "ada"


async def test_a_class_password_may_be_written_as_people_write(door):
    assert await door.opens_for(HERE, "ada", "my own secret", " K7PM 3vxq9tdh") == "ada"


async def test_who_knows_the_class_password_does_not_get_into_what_another_has(door):
    await door.opens_for(HERE, "ada", "my own secret", CLASS)
    assert "choose another name, such as ada-2" in str(await refusal(door, HERE, "ada", "another secret", CLASS))
    assert str(await refusal(door, HERE, "ada", CLASS, CLASS)).startswith("Somebody has the name ada")
    assert str(await refusal(door, HERE, "ada", CLASS)) == NOT_LET_IN


async def test_of_two_who_want_a_name_at_once_one_gets_it(door):
    calls = (door.opens_for(HERE, "ada", f"secret of {who}", CLASS) for who in ("the one", "the other"))
    came = await asyncio.gather(*calls, return_exceptions=True)
    assert {*map(type, came)} == {str, Refused}


async def test_a_stranger_learns_nothing_about_who_is_here(door):
    await door.opens_for(HERE, "ada", "my own secret", CLASS)
    said = {
        str(await refusal(door, THERE, name, "a wrong guess", guess)) for name in ("ada", "ben") for guess in ("", "x")
    }
    assert said == {NOT_LET_IN}


async def test_without_a_class_password_nobody_comes_for_the_first_time(tmp_path, learners):
    door = Door(Accounts(tmp_path / "none.sqlite"), learners)
    assert str(await refusal(door, HERE, "ada", "my own secret", "")) == NOT_LET_IN


async def test_a_copy_without_an_account_is_nobodys_to_take(door, learners):
    (learners / "ada").mkdir()
    assert "ask your teacher" in str(await refusal(door, HERE, "ada", "my own secret", CLASS))


@pytest.mark.parametrize("own", ["short", CLASS, "k7pm3vxq9tdh", "x" * (passwords.MOST + 1)])
async def test_an_own_password_is_neither_short_nor_the_class_password(door, own):
    assert str(await refusal(door, HERE, "adalovelace", own, CLASS)).startswith("Almost: your own password")


async def test_ones_name_is_no_password(door):
    assert "neither your name" in str(await refusal(door, HERE, "adalovelace", "AdaLovelace", CLASS))


async def test_what_is_no_name_is_answered_in_words(door):
    assert "such as ada" in str(await refusal(door, HERE, "../root", "my own secret", CLASS))


async def test_after_some_wrong_guesses_the_right_one_has_to_wait_too(accounts, learners):
    now = [0.0]
    clock = lambda: now[0]  # noqa: E731
    door = Door(accounts, learners, Throttle(3, 20, clock), Throttle(30, 20, clock), Throttle(90, 4, clock))
    await door.opens_for(HERE, "ada", "my own secret", CLASS)
    for guess in range(3):
        assert (await refusal(door, HERE, "ada", f"wrong guess {guess}")).status == 403
    refused = await refusal(door, HERE, "ada", "my own secret")
    assert (refused.status, str(refused)) == (429, "Too many wrong passwords: wait 20 seconds, then try again.")
    assert await door.opens_for(THERE, "ada", "my own secret") == "ada"
    now[0] = 20.0
    assert await door.opens_for(HERE, "ada", "my own secret") == "ada"


async def test_guesses_at_one_name_are_counted_over_all_addresses(accounts, learners):
    door = Door(accounts, learners, guesses_by_name=Throttle(3, 20, lambda: 0.0))
    statuses = [(await refusal(door, f"192.0.2.{each}", "ada", "a wrong guess")).status for each in range(4)]
    assert statuses == [403, 403, 403, 429]


async def test_guesses_from_one_address_are_counted_over_all_names(accounts, learners):
    door = Door(accounts, learners, guesses_by_address=Throttle(3, 4, lambda: 0.0))
    statuses = [(await refusal(door, HERE, name, "a wrong guess", "guess")).status for name in ("a", "b", "c", "d")]
    assert statuses == [403, 403, 403, 429]


async def test_thirty_people_behind_one_address_come_in_at_once(door):
    names = [f"learner-{number}" for number in range(30)]
    came = await asyncio.gather(*(door.opens_for(HERE, name, "my own secret", CLASS) for name in names))
    assert came == names


def test_guesses_at_once_are_counted_before_they_are_judged():
    throttle = Throttle(2, 10, lambda: 0.0)
    assert [throttle.take("ada") for _ in range(4)] == [0, 0, 10, 10]
    throttle.give_back("ada")
    assert throttle.take("ada") == 0


def test_a_throttle_forgets_who_has_all_guesses_again():
    now = [0.0]
    throttle = Throttle(1, 1, lambda: now[0])
    for number in range(1001):
        now[0] = float(number)
        throttle.take(number)
    assert len(throttle._full_at) < 10


def test_passwords_are_kept_as_hashes_that_differ_for_the_same_word(accounts, tmp_path):
    accounts.take("ada", "my own secret")
    accounts.take("ben", "my own secret")
    kept = (tmp_path / "accounts.sqlite").read_bytes()
    assert b"my own secret" not in kept
    assert CLASS.encode() not in kept
    assert accounts._kept("ada") != accounts._kept("ben")
    assert (tmp_path / "accounts.sqlite").stat().st_mode & 0o077 == 0


def test_a_name_is_taken_once(accounts):
    assert [accounts.take("ada", secret) for secret in ("the first secret", "the second secret")] == [True, False]
    assert accounts.fits("ada", "the first secret")


def test_accounts_survive(accounts, tmp_path):
    accounts.take("ada", "my own secret")
    again = Accounts(tmp_path / "accounts.sqlite")
    assert again.names() == ["ada"]
    assert again.fits("ada", "my own secret")
    assert again.fits_class(CLASS)
    assert not again.fits("ada", "my own secret ")
    assert not again.fits("ben", "my own secret")
    again.remove("ada")
    assert not accounts.has("ada")


def test_the_class_password_is_hashed_once_for_all_who_write_it(accounts, monkeypatch):
    hashes = []
    digest = passwords._digest
    monkeypatch.setattr(passwords, "_digest", lambda *call: hashes.append(call) or digest(*call))
    assert [accounts.fits_class(each) for each in (CLASS, CLASS.upper(), CLASS, "wrong", CLASS)] == [True] * 3 + [
        False,
        True,
    ]
    assert len(hashes) == 2
    accounts.set_class("another class password")
    assert not accounts.fits_class(CLASS)
    assert accounts.fits_class("another class password")


def test_made_passwords_can_be_read_aloud_and_are_long_enough():
    made = {passwords.made(3) for _ in range(50)}
    assert len(made) == 50
    assert all(len(each.replace("-", "")) == passwords.LEAST_CLASS for each in made)
    assert not set("".join(made)) & set("0o1li")
    with pytest.raises(passwords.BadPassword):
        passwords.chosen_for_class("eleven-char")


def test_a_hash_costs_what_the_cheat_sheet_asks(monkeypatch):
    monkeypatch.undo()
    assert passwords._COST["n"] * passwords._COST["p"] >= 5 * 2**14
