"""The rules that the audit knows: its own, as ast-grep has them, and those it asks the linters for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kata.guards.issue import Kind, Rule

ROOM = Path(__file__).parent
"""The folder of the rules' files."""

SEVERITIES = {"error": "high", "warning": "medium", "info": "low", "hint": "low"}
"""ast-grep's severities as the report's priorities."""


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its name."""
    return {rule.id: rule for rule in (*_ours(), *_linters())}


@cache
def patterns() -> Mapping[str, tuple[str, str]]:
    """The good patterns by their names: their number in the audit, and what is good about them."""
    found = {}
    for entry in _yaml("patterns"):
        if entry["metadata"]["kind"] == "pattern":
            found[entry["id"]] = (entry["metadata"]["id"], entry["message"])
    return found


@cache
def claims() -> Mapping[str, tuple[str, ...]]:
    """The names of the rules that claim a finding, by the finding's id."""
    table = tomllib.loads((ROOM / "claims.toml").read_text(encoding="utf-8"))
    return {claim["finding"]: tuple(claim["rules"]) for claim in table["claim"]}


@cache
def blocking_calls() -> Mapping[str, str]:
    """The calls that block in a code base like this one, and what to do instead: the list for ASYNC200."""
    return _toml()["blocking-calls"]


def names(engine: str) -> list[str]:
    """The rules that an engine looks for."""
    return sorted(rule.id for rule in rules().values() if engine in rule.engines)


def _ours() -> Iterator[Rule]:
    for entry in _yaml("rules"):
        note = dict(line.split(": ", 1) for line in entry["note"].splitlines())
        yield Rule(
            id=entry["id"],
            kind=Kind(entry["metadata"]["kind"]),
            priority=SEVERITIES[entry["severity"]],
            message=entry["message"],
            impact=note["Impact"],
            recommendation=note["Recommendation"],
            engines=("ast-grep",),
        )


def _linters() -> Iterator[Rule]:
    for entry in _toml()["rule"]:
        yield Rule(**{**entry, "kind": Kind(entry["kind"]), "engines": tuple(entry["engines"])})


def _yaml(folder: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((ROOM / folder).glob("*.yml"))]


@cache
def _toml() -> dict[str, Any]:
    return tomllib.loads((ROOM / "linters.toml").read_text(encoding="utf-8"))
