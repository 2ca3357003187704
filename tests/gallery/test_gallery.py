"""Wrong turns are rejected with the words that tell one from another, right ones accepted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from kata.audit import audit
from kata.gallery import Change, DoesNotApply, galleries, gallery
from kata.verdict import judge
from kata.workspace.reach import affected

pytestmark = pytest.mark.slow

TURNS = [pytest.param(id, turn, id=f"{id} {turn.name}") for id in galleries() for turn in gallery(id).turns]


@pytest.mark.parametrize(("id", "turn"), TURNS)
def test_a_turn_gets_the_verdict_it_deserves(id, turn, tmp_path):
    verdict = judge(audit().finding(id), turn.make(tmp_path / "workspace"))
    assert (verdict.status, turn.says in verdict.message) == (turn.verdict, True), verdict.message


@pytest.mark.parametrize("id", galleries())
def test_a_finding_put_back_into_the_solution_is_present_and_no_other_is_but_one_with_the_same_fix(id, tmp_path):
    folder = gallery(id).make_put_back(tmp_path / "workspace")
    # of the others nothing has changed, and the solution is judged elsewhere
    findings = affected(audit().everything, folder, {change.path for change in gallery(id).put_back})
    with ThreadPoolExecutor(max_workers=2) as pool:
        verdicts = list(pool.map(lambda finding: judge(finding, folder), findings))
    back = {other for other in galleries() if gallery(other).put_back == gallery(id).put_back}
    expected = {finding.id: "present" if finding.id in back else "fixed" for finding in findings}
    seen = {verdict.id: str(verdict.status).replace("untouched", "present") for verdict in verdicts}
    assert seen == expected, verdicts


@pytest.mark.parametrize("id", galleries())
def test_there_are_five_wrong_turns_and_two_right_ones_at_least(id):
    wrong = [turn for turn in gallery(id).turns if turn.verdict != "fixed"]
    right = [turn for turn in gallery(id).turns if turn.verdict == "fixed"]
    assert len(wrong) >= 5
    assert len(right) >= 2


def test_every_finding_has_a_gallery():
    assert galleries() == [finding.id for finding in audit().everything]


def test_a_change_whose_text_is_gone_is_an_error(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(DoesNotApply, match="stands 0 times"):
        Change("a.py", "y = 1", "y = 2").apply(tmp_path)
