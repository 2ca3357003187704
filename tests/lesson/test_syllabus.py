"""The map names every lesson, in order, in its own words."""

from __future__ import annotations

import re

from kata.audit import audit, project_root
from kata.lesson import lessons


def test_every_notebook_is_on_the_map_in_order():
    notebooks = sorted(path.name for path in (project_root() / "notebooks").glob("*.ipynb"))
    assert re.findall(r'href="[^"]*/([^"/]+)"', lessons()._repr_html_()) == notebooks
    assert len(lessons().splitlines()) == len(notebooks)


def test_a_lesson_has_its_title_and_its_minutes():
    for finding in audit().findings:
        minutes = f"{finding.teach} to read and run, {finding.do} to refactor"
        assert f"{finding.id} · {finding.title} (minutes: {minutes})" in lessons().splitlines()
