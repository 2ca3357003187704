"""What learners may be called."""

from __future__ import annotations

import pytest

from kata.room.hub.names import LONGEST, BadName, name_of, user_of


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ada", "ada"),
        ("  Ada ", "ada"),
        ("Ada Lovelace", "ada-lovelace"),
        ("Zoë", "zoe"),
        ("a.b_c-d", "a-b-c-d"),
        ("r2d2", "r2d2"),
        ("x" * LONGEST, "x" * LONGEST),
    ],
)
def test_a_name_is_what_people_mean_by_it(written, name):
    assert name_of(written) == name


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "2pac",
        "-ada",
        "ada-",
        "ada/../root",
        "..",
        "ada;reboot",
        "x" * (LONGEST + 1),
        "Ада",
        "class",
    ],
)
def test_what_is_no_name_is_refused_with_words_that_help(written):
    with pytest.raises(BadName, match="such as ada"):
        name_of(written)


def test_a_system_user_is_made_of_a_name_only():
    assert user_of("ada") == "kata-ada"
    for other in ("Ada", "root/..", ""):
        with pytest.raises(BadName):
            user_of(other)
