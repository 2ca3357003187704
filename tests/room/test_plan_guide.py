"""The teacher's guide says what the course does: its plans are those of `kata plan`, and what it names is there.

Run it as a program to write the guide's blocks anew: `uv run python tests/room/test_plan_guide.py`.
"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from kata.audit import audit, project_root
from kata.cli import main
from kata.gallery import gallery
from kata.room.plan.lessons import lessons
from kata.room.plan.plans import plans

FOLDER = project_root() / "notebooks" / "teaching"
GUIDE, LESSONS = FOLDER / "guide.md", FOLDER / "lessons.md"
END = "<!-- end of the plan -->"
BLOCK = re.compile(rf"(<!-- kata (plan [^>]*?) -->\n)(.*?)({END})", re.DOTALL)
TURN = re.compile(r'turn\("([\d.]+)", "(.+?)"\)`(?: \(`(\w+)`\))?')
COMMAND = re.compile(r"`(?:uv run )?kata ([^`]*)`|^(?:uv run )?kata ([^#\n]*)", re.MULTILINE)
HINT = re.compile(r"kata hint ([\d.]+)(?: (\d+))?")
PARTS = (
    "Say first.",
    "Ask before you run.",
    "What people answer.",
    "Where rooms get stuck.",
    "When late, skip.",
    "For the fast ones.",
    "The argument that always comes up.",
)


def printed(command: str) -> str:
    """What a command of the course prints; it has to end well."""
    result = CliRunner().invoke(main, shlex.split(command))
    assert result.exit_code == 0, result.output
    return result.output


def renewed(text: str) -> str:
    """A text with its blocks as the commands write them now."""
    return BLOCK.sub(lambda block: f"{block[1]}\n{printed(block[2])}\n{block[4]}", text)


def sections(text: str) -> dict[str, str]:
    """The parts of a text below its second-level headings, by their titles."""
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def words() -> str:
    """What the guide says in words of its own."""
    return "\n".join(BLOCK.sub("", file.read_text(encoding="utf-8")) for file in (GUIDE, LESSONS))


def test_the_guide_has_the_plans_that_the_command_writes():
    text = GUIDE.read_text(encoding="utf-8")
    assert text == renewed(text), "write it anew: `uv run python tests/room/test_plan_guide.py`"


def test_the_guide_has_a_block_for_every_plan_and_one_for_the_walk():
    commands = [block[2] for block in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]
    asked = [int(found[1]) for each in commands if (found := re.search(r"--minutes (\d+)", each))]
    assert asked == [plan.minutes for plan in plans()]
    assert sum("--walk" in each for each in commands) == 1


def test_a_block_that_is_out_of_date_is_found():
    text = f"a\n<!-- kata plan --minutes 90 -->\nan old plan\n{END}\nb"
    assert renewed(text).startswith("a\n<!-- kata plan --minutes 90 -->\n\n90 minutes: ")
    assert renewed(renewed(text)) == renewed(text) != text


def test_every_lesson_has_a_section_in_the_order_of_the_lessons():
    assert list(sections(LESSONS.read_text(encoding="utf-8"))) == [lesson.title for lesson in lessons().values()]


@pytest.mark.parametrize("lesson", lessons().values(), ids=lambda lesson: lesson.number)
def test_a_lesson_s_section_has_all_seven_parts_and_each_says_something(lesson):
    section = sections(LESSONS.read_text(encoding="utf-8"))[lesson.title]
    labels = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)
    assert labels == list(PARTS)
    places = [*(section.index(f"**{label}**") for label in labels), len(section)]
    assert all(end - start > len(label) + 60 for label, (start, end) in zip(labels, pairwise(places), strict=True))
    assert section.count("\n- *") >= 3, "at least three answers"


def test_every_turn_that_is_named_is_in_the_gallery_with_that_verdict():
    named = TURN.findall(words())
    assert len(named) > 50
    for id, name, verdict in named:
        assert gallery(id).turn(name).verdict == verdict, f"{id}, {name}"


def test_turns_of_a_lesson_are_those_of_its_finding():
    for title, section in sections(LESSONS.read_text(encoding="utf-8")).items():
        ids = {id for id, *_ in TURN.findall(section)}
        assert ids <= {title.partition(" · ")[0]}, title


def commands(text: str) -> list[list[str]]:
    """The commands of `kata` that a text names; without what follows a command that is run by another."""
    return [shlex.split(one or other) for one, other in COMMAND.findall(text) if (one or other).strip()]


def test_every_command_that_is_named_is_there_with_its_options():
    named = commands(words())
    assert len(named) > 15
    for name, *arguments in named:
        assert name in main.commands, f"kata {name}"
        known = {option for parameter in main.commands[name].params for option in parameter.opts}
        used = {argument for argument in arguments if argument.startswith("--")}
        assert used <= known, f"kata {name} {' '.join(arguments)}"


def test_every_hint_that_is_named_is_there():
    named = HINT.findall(words())
    assert named
    for id, number in named:
        assert 1 <= int(number or 1) <= len(audit().finding(id).hints)


def test_every_finding_that_is_named_is_in_the_manifest():
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)", "", words())
    known = {entry.id for entry in (*audit().everything, *audit().patterns)}
    assert set(re.findall(r"(?<![\d.:])([1-6]\.\d)(?![\d.])", prose)) <= known


def test_every_turn_that_a_plan_has_for_the_fast_ones_is_in_the_gallery():
    named = [
        (step.lesson, name) for plan in plans() for step in plan.steps for name in re.findall(r"\*(\w.+?)\*", step.fast)
    ]
    assert len(named) > 8
    assert all(gallery(id).turn(name) for id, name in named if id)


def test_what_is_not_there_is_found():
    assert commands("`kata plan --minuets 9` and\n```\nuv run kata gone x # y\n```") == [
        ["plan", "--minuets", "9"],
        ["gone", "x"],
    ]
    assert TURN.findall('`turn("1.4", "gone")` (`fixed`)') == [("1.4", "gone", "fixed")]


def write(file: Path = GUIDE) -> None:
    file.write_text(renewed(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
