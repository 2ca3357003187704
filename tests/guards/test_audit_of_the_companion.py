"""The audit of starter holds every finding of the report at its line, and that of solution none."""

from __future__ import annotations

from pathlib import Path

import pytest
from places import WHERE, claimed_by, is_at

from kata.audit import audit, project_root
from kata.guards import Kind, audit_code
from kata.guards.catalogue import claims, rules

CODE = {
    "1.1": ["os.makedirs("],
    "1.2": ["with open("],
    "1.3": ["with open("],
    "1.4": ["time.sleep("],
    "1.5": ["NamedTemporaryFile(", "with open(", "os.unlink("],
    "2.1": ["_circuit_breaker.call("],
    "2.2": ["_circuit_breaker.call("],
    "2.3": ["def memory_injection_node("],
    "3.1": ["httpx.AsyncClient("],
    "6.1": ["with open("],
    "6.2": [".search_memories(", ".store_memory("],
}
"""The code that the report shows for each finding, by which its lines are looked up."""

STARTER = project_root() / "starter"


def lines_of(id):
    """The lines of the finding's places on which its code stands."""
    found = set()
    for path in {place.path for place in WHERE[id]}:
        for number, line in enumerate((STARTER / path).read_text(encoding="utf-8").splitlines(), 1):
            if any(code in line for code in CODE[id]) and is_at(str(STARTER / path), number, WHERE[id], STARTER):
                found.add((path, number))
    return found


def lines_seen(id, issues):
    return {
        (Path(issue.path).relative_to(STARTER).as_posix(), issue.line)
        for issue in issues
        if id in claimed_by(issue, STARTER)
    }


@pytest.mark.parametrize("id", sorted(WHERE))
def test_a_finding_is_seen_at_its_lines_and_nowhere_else(id, audits):
    assert lines_of(id)
    assert lines_seen(id, audits["starter"].issues) == lines_of(id)


def test_every_finding_is_claimed():
    assert set(claims()) == set(WHERE)


@pytest.mark.parametrize("finding", audit().findings, ids=lambda finding: finding.id)
def test_kind_and_priority_are_those_of_the_report(finding, audits):
    chapter = {"1": Kind.BLOCKING_IO, "2": Kind.CONVERSION, "3": Kind.CONNECTIONS}[finding.id[0]]
    seen = [issue.rule for issue in audits["starter"].issues if finding.id in claimed_by(issue, STARTER)]
    assert {rule.kind for rule in seen} == {chapter}
    assert finding.priority in {rule.priority for rule in seen}


def test_nothing_else_is_seen_in_the_starter(audits):
    assert [issue.location for issue in audits["starter"].issues if not claimed_by(issue, STARTER)] == []


def test_the_line_is_the_line(audits):
    for issue in audits["starter"].issues:
        assert Path(issue.path).read_text(encoding="utf-8").splitlines()[issue.line - 1].strip() == issue.source


def test_nothing_is_seen_in_the_solution(audits):
    assert [issue.location for issue in audits["solution"].issues] == []
    assert audits["solution"].unread == {}


@pytest.mark.parametrize("package", ["starter", "solution"])
@pytest.mark.parametrize("pattern", audit().patterns, ids=lambda pattern: pattern.id)
def test_good_patterns_are_seen_where_the_report_sees_them(package, pattern, audits):
    folder = project_root() / package
    seen = [good for good in audits[package].good if good.id == pattern.id]
    assert any(is_at(good.path, good.line, pattern.where, folder) for good in seen)


@pytest.mark.slow
def test_every_rule_that_claims_a_finding_sees_it_and_flake8_async_sees_nothing_more():
    pytest.importorskip("flake8_async", reason="flake8-async is not installed")
    issues = audit_code(STARTER, thorough=True).issues
    assert [issue.location for issue in issues if not claimed_by(issue, STARTER)] == []
    for id, names in claims().items():
        seen = {name for issue in issues if id in claimed_by(issue, STARTER) for name in (issue.rule.id, *issue.also)}
        assert set(names) <= seen, id
    assert audit_code(project_root() / "solution", thorough=True).issues == ()


def test_a_rule_of_a_linter_is_named_as_the_linter_names_it():
    assert {rule.id for rule in rules().values() if "ruff" in rule.engines} == {
        "ASYNC210", "ASYNC212", "ASYNC220", "ASYNC221", "ASYNC222", "ASYNC230", "ASYNC240", "ASYNC250", "ASYNC251"
    }  # fmt: skip
