"""Prose names files that exist."""

from __future__ import annotations

import guards
import nbformat
import pytest
import references

from kata.audit import project_root

ROOT = project_root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEACHING = sorted((ROOT / "notebooks" / "teaching").glob("*.md"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_file_that_a_notebook_names_is_there(path):
    assert references.missing(guards.prose(nbformat.read(path, as_version=4)), ROOT) == []


def test_every_file_that_the_readme_names_is_there():
    assert references.missing((ROOT / "README.md").read_text(encoding="utf-8"), ROOT) == []


@pytest.mark.parametrize("path", TEACHING, ids=lambda path: path.stem)
def test_every_file_that_the_teacher_s_guide_names_is_there_and_every_link_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    assert references.missing(text, ROOT) + guards.broken_links(text, path.parent, ROOT / "workspace") == []


def test_a_link_of_the_teacher_s_guide_that_leads_nowhere_is_found():
    assert len(guards.broken_links("[x](gone.md) and [y](guide.md)", TEACHING[0].parent, ROOT / "workspace")) == 1


def test_a_file_that_is_not_there_is_found():
    prose = "`workspace/modules/gone.py`, `gone.ipynb`, `docs/` and `starter/nodes.py::image_node`"
    assert len(references.missing(prose, ROOT)) == 4


def test_what_is_there_or_is_no_file_passes():
    prose = "`workspace/modules/speech/speech_to_text.py`, `workspace/`, `time.sleep`, `open(…).read`, `a/b`, `1.4`"
    assert references.missing(prose + "\n```\n`gone.py`\n```\n", ROOT) == []
