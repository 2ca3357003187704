"""Which turns of the gallery the audit sees. Run as a program, it writes them down in seen_turns.toml."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from places import WHERE, is_at

from kata.audit import project_root
from kata.gallery import galleries, gallery
from kata.guards import audit_code
from kata.guards.catalogue import claims
from kata.guards.issue import Issue

FILE = Path(__file__).with_name("seen_turns.toml")

HEAD = """\
# The gallery's turns, and the rules that see what is wrong with them; none where no rule does.
# What only goes wrong when it runs, a static audit does not see. Written by `uv run python tests/guards/seen_turns.py`.
"""

Seen = dict[tuple[str, str], tuple[str, list[str]]]
"""Verdict and rules by finding and turn."""


def stored() -> Seen:
    """What is written down."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {(turn["finding"], turn["name"]): (turn["verdict"], turn["rules"]) for turn in table["turn"]}


def seen(folder: Path) -> Seen:
    """What the audit sees now: what is claimed for the turn's finding, and what its base does not have.

    Args:
        folder: An empty folder, in which the turns are made.
    """
    turns = [(id, turn) for id in galleries() for turn in gallery(id).turns]
    for number, (_, turn) in enumerate(turns):
        turn.make(folder / str(number))
    found: dict[str, list[Issue]] = {str(number): [] for number in range(len(turns))}
    for issue in audit_code(folder).issues:
        found[Path(issue.path).relative_to(folder).parts[0]].append(issue)
    bases = {name: audit_code(project_root() / name).issues for name in ("starter", "solution")}
    told: Seen = {}
    for number, (id, turn) in enumerate(turns):
        package = folder / str(number)
        new = _kinds(found[str(number)], package) - _kinds(bases[turn.base], project_root() / turn.base)
        claimed = {
            issue.rule.id
            for issue in found[str(number)]
            if issue.rule.id in claims()[id] and is_at(issue.path, issue.line, WHERE[id], package)
        }
        told[id, turn.name] = (turn.verdict, sorted(claimed | {rule for rule, *_ in new}))
    return told


def write(told: Seen) -> None:
    """Write it down."""
    turns = []
    for (finding, name), (verdict, rules) in told.items():
        values = {"finding": finding, "name": name, "verdict": verdict, "rules": rules}
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
        turns.append("\n".join(["", "[[turn]]", *lines]))
    FILE.write_text("\n".join([HEAD.rstrip(), *turns]) + "\n", encoding="utf-8")


def _kinds(issues: Iterable[Issue], package: Path) -> Counter[tuple[str, str, str]]:
    return Counter((issue.rule.id, str(Path(issue.path).relative_to(package)), issue.qualname) for issue in issues)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        write(seen(Path(made)))
