"""Each of the course's own rules does what its cases say, and says what a reader needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kata.guards.catalogue import ROOM, rules
from kata.guards.engines import program

CASES = Path(__file__).parent / "rules"
OURS = sorted(rule.id for rule in rules().values() if "ast-grep" in rule.engines)


def ast_grep_test(config):
    call = [program("ast-grep"), "test", "--config", str(config), "--skip-snapshot-tests"]
    return subprocess.run(call, capture_output=True, encoding="utf-8", check=False)


def test_the_cases_hold():
    run = ast_grep_test(ROOM / "sgconfig.yml")
    assert run.returncode == 0, run.stdout
    assert f"{len(OURS)} passed; 0 failed" in run.stdout


@pytest.mark.parametrize("id", OURS)
def test_a_rule_that_finds_nothing_fails_its_cases(id, tmp_path):
    room = tmp_path / "guards"
    shutil.copytree(ROOM, room, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(CASES, tmp_path / "cases")
    (room / "sgconfig.yml").write_text("ruleDirs: [rules]\nutilDirs: [parts]\ntestConfigs: [{testDir: ../cases}]\n")
    rule = yaml.safe_load((room / "rules" / f"{id}.yml").read_text(encoding="utf-8"))
    rule["rule"] = {"pattern": "nothing_of_the_kind()"}
    rule.pop("constraints", None)
    (room / "rules" / f"{id}.yml").write_text(yaml.safe_dump(rule), encoding="utf-8")
    run = ast_grep_test(room / "sgconfig.yml")
    assert run.returncode != 0
    assert f"FAIL {id} " in run.stdout


@pytest.mark.parametrize("id", OURS)
def test_a_rule_has_cases_that_it_finds_and_cases_that_it_leaves_alone(id):
    cases = yaml.safe_load((CASES / f"{id}-test.yml").read_text(encoding="utf-8"))
    assert cases["id"] == id
    assert len(cases["valid"]) >= 2
    assert len(cases["invalid"]) >= 2


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_is_wrong_what_it_costs_and_what_to_do(rule):
    for sentence in (rule.message, rule.impact, rule.recommendation):
        assert sentence[0].isupper() or sentence.startswith("time.sleep ")
        assert sentence.endswith(".")
