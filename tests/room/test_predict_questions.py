"""What is asked can be measured, is measured where it is asked, and cannot be guessed by one word for all of it."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from kata.audit import audit, project_root
from kata.gallery import gallery
from kata.prediction.questions import VERDICTS, Question, When, questions

BEFORE = [pytest.param(each, id=each.id) for each in questions() if each.when is When.BEFORE]
AFTER = [pytest.param(each, id=each.id) for each in questions() if each.when is When.AFTER]


def lesson(id: str) -> Path:
    (file,) = (project_root() / "notebooks").glob(f"{id.replace('.', '_')}_*.ipynb")
    return file


def cells(id: str) -> list[tuple[str, str]]:
    """The code cells of a lesson, each with what it is stored to say."""
    found = []
    for cell in json.loads(lesson(id).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            said = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"])
            found.append(("".join(cell["source"]), "".join("".join(text) for text in said)))
    return found


def stored(question: Question) -> str:
    """What the lesson is stored to have measured, which nbval compares in every run."""
    (said,) = [said for source, said in cells(question.id) if f'measured("{question.id}"' in source]
    return re.search(r"^  measured: (.+)$", said, re.MULTILINE)[1]


def test_every_finding_of_the_report_is_asked_about_before_and_after_its_lesson():
    asked = {(each.id, each.when) for each in questions()}
    assert asked >= {(finding.id, when) for finding in audit().findings for when in When}


@pytest.mark.parametrize("question", BEFORE)
def test_what_a_lesson_measures_is_asked_before_it_and_is_among_the_answers(question):
    sources = [source for source, _ in cells(question.id)]
    asks = next(n for n, source in enumerate(sources) if f'await predict("{question.id}", before="")' in source)
    measures = next(n for n, source in enumerate(sources) if f'measured("{question.id}"' in source)
    assert asks < measures
    assert stored(question) in question.answers
    assert len(set(question.answers)) == len(question.answers) >= 2


@pytest.mark.parametrize("question", BEFORE)
def test_what_is_measured_is_nothing_that_the_lesson_says_by_heart(question):
    (source,) = [source for source, _ in cells(question.id) if f'measured("{question.id}"' in source]
    tree = ast.parse(source, mode="exec")
    (call,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "measured"]
    names = {node.id for node in ast.walk(call.args[1]) if isinstance(node, ast.Name)}
    assert names, "it passes a constant"


@pytest.mark.parametrize("question", AFTER)
def test_code_that_is_asked_about_is_in_the_gallery_and_new_to_whoever_has_taken_the_lessons(question):
    turn = gallery(question.finding).turn(question.turn_name)
    assert turn.verdict in VERDICTS
    for file in sorted((project_root() / "notebooks").glob("*.ipynb")):
        assert f'"{turn.name}"' not in "".join(source for source, _ in cells_of(file)), file.name


def cells_of(file: Path) -> list[tuple[str, str]]:
    read = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return [("".join(cell["source"]), "") for cell in read if cell["cell_type"] == "code"]


@pytest.mark.parametrize("question", AFTER)
def test_the_question_after_stands_in_its_lesson_unanswered_and_nothing_is_judged(question):
    (said,) = [said for source, said in cells(question.id) if f'await predict("{question.id}", after="")' in source]
    assert gallery(question.finding).turn(question.turn_name).diff() in said
    assert "verdict:" not in said
    assert "measured:" not in said


def most(answers: list[str]) -> float:
    """The share that one is right in who always answers with the same word."""
    return Counter(answers).most_common(1)[0][1] / len(answers)


def test_no_single_word_is_right_half_of_the_time():
    assert most([stored(each.values[0]) for each in BEFORE]) < 0.5
    assert most([gallery(q.finding).turn(q.turn_name).verdict for (q,) in (each.values for each in AFTER)]) < 0.5


def test_no_place_in_the_list_is_right_most_of_the_time():
    """Neither is whoever always takes the first, or the last, of what is offered."""
    asked = [each.values[0] for each in BEFORE]
    assert sum(stored(question) == question.answers[0] for question in asked) <= len(asked) / 2
    assert sum(stored(question) == question.answers[-1] for question in asked) <= len(asked) / 2


def test_no_answer_stands_beside_the_questions():
    table = (project_root() / "notebooks" / "kata" / "prediction" / "questions.toml").read_text(encoding="utf-8")
    assert not re.search(r"^(?!id|asks|answers|finding|turn)\w+ =", table, re.MULTILINE)
