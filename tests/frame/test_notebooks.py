"""Every notebook keeps the rules that make its outputs worth comparing, and each rule can be broken."""

from __future__ import annotations

from itertools import pairwise

import guards
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from projects import pytest_in

from kata.audit import audit, project_root

ROOT = project_root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = audit().findings
CHAPTERS = [section for section in audit().sections if section.notebook]
GOOD_PATTERNS = [section for section in CHAPTERS if audit().patterns_of(section)]
OTHERS = [section for section in CHAPTERS if section not in GOOD_PATTERNS]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def test_a_notebook_is_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < guards.MOST_BYTES


@pytest.mark.parametrize(
    "rule",
    [guards.execution_counts, guards.stored_outputs, guards.metadata, guards.slides, guards.pictures, guards.code],
    ids=lambda rule: rule.__name__,
)
def test_a_notebook_keeps_the_rule(notebook, rule):
    assert rule(notebook) == []


def test_every_link_of_a_notebook_leads_somewhere(notebook):
    assert guards.links(notebook, ROOT / "notebooks", ROOT / "workspace") == []


@pytest.mark.parametrize("finding", LESSONS, ids=lambda finding: finding.id)
def test_a_lesson_has_its_head_its_sections_and_its_proof(finding):
    lesson = nbformat.read(ROOT / "notebooks" / finding.notebook, as_version=4)
    assert guards.head(lesson, finding) + guards.sections(lesson) + guards.proof(lesson, finding.id) == []


@pytest.mark.parametrize("section", CHAPTERS, ids=lambda section: section.number)
def test_a_lesson_for_a_whole_chapter_has_its_head_and_its_proof(section):
    lesson, patterns = nbformat.read(ROOT / "notebooks" / section.notebook, as_version=4), audit().patterns_of(section)
    assert guards.chapter_head(lesson, section, patterns) + guards.both_packages(lesson) == []


@pytest.mark.parametrize("section", GOOD_PATTERNS, ids=lambda section: section.number)
def test_a_lesson_on_good_patterns_has_its_sections(section):
    lesson, patterns = nbformat.read(ROOT / "notebooks" / section.notebook, as_version=4), audit().patterns_of(section)
    assert guards.pattern_sections(lesson, patterns) == []


@pytest.mark.parametrize("finding", audit().beyond, ids=lambda finding: finding.id)
def test_a_finding_beyond_the_report_is_found_and_mended_in_its_lesson(finding):
    lesson = nbformat.read(ROOT / "notebooks" / finding.notebook, as_version=4)
    assert guards.proof(lesson, finding.id) == []


@pytest.mark.parametrize("section", OTHERS, ids=lambda section: section.number)
def test_a_lesson_beside_the_findings_has_its_sections(section):
    lesson = nbformat.read(ROOT / "notebooks" / section.notebook, as_version=4)
    assert guards.chapter_sections(lesson) == []


@pytest.mark.parametrize(("this", "following"), pairwise(NOTEBOOKS), ids=lambda path: path.stem)
def test_a_lesson_ends_with_the_way_to_the_next(this, following):
    last = nbformat.read(this, as_version=4).cells[-1].source
    title = nbformat.read(following, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
    assert f"Next: [{title}]({following.name})" in last


KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}


def picture():
    return new_output("display_data", {"image/png": "x"})


def slide(text, kind="slide"):
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})


def test_the_rules_complain():
    gap = new_notebook(cells=[new_code_cell("1", execution_count=1), new_code_cell("2", execution_count=3)])
    assert guards.execution_counts(gap)
    noisy = new_notebook(cells=[new_code_cell("1", outputs=[new_output("stream", name="stderr", text="a warning")])])
    assert guards.stored_outputs(noisy)
    failed = new_notebook(cells=[new_code_cell("1", outputs=[new_output("error", ename="E", evalue="", traceback=[])])])
    assert guards.stored_outputs(failed)
    assert len(guards.metadata(new_notebook(metadata={"widgets": {}}))) == 2
    wordy = new_code_cell("1", metadata={"slideshow": {"slide_type": "-", "id": "a"}})
    assert len(guards.slides(new_notebook(cells=[new_markdown_cell("# A lesson"), new_code_cell("1")]))) == 3
    assert len(guards.slides(new_notebook(cells=[slide("# A lesson"), slide("text", "page"), wordy]))) == 2
    assert guards.slides(new_notebook(cells=[slide("# A lesson"), slide("## Predict", "subslide")]))
    bare = new_notebook(cells=[new_code_cell("chart", outputs=[picture()])])
    assert len(guards.pictures(bare)) == 2
    assert len(guards.code(new_notebook(cells=[new_code_cell("asyncio.run(x)\n" * 13 + "x" * 97)]))) == 3
    assert guards.links(new_notebook(cells=[new_markdown_cell("[x](gone.ipynb)")]), ROOT, ROOT / "workspace")
    assert guards.links(new_notebook(cells=[new_markdown_cell("[x](workspace/gone.py)")]), ROOT, ROOT / "workspace")
    assert guards.sections(new_notebook(cells=[new_markdown_cell("## The symptom")]))
    assert len(guards.head(new_notebook(cells=[new_markdown_cell("# A lesson")]), LESSONS[0])) == 6
    assert len(guards.proof(new_notebook(cells=[new_code_cell("1 + 1")]), "1.4")) == 6
    chapter, patterns = GOOD_PATTERNS[0], audit().patterns_of(GOOD_PATTERNS[0])
    assert len(guards.chapter_head(new_notebook(cells=[new_markdown_cell("# A lesson")]), chapter, patterns)) == 6
    assert guards.pattern_sections(new_notebook(cells=[new_markdown_cell("## Keep")]), patterns)
    assert guards.chapter_sections(new_notebook(cells=[new_markdown_cell("## The symptom\n## Keep")]))
    assert len(guards.both_packages(new_notebook(cells=[new_code_cell("1 + 1")]))) == 2


def test_the_rules_let_a_good_notebook_pass():
    chart = new_code_cell("chart", execution_count=1, outputs=[picture()], metadata={"tags": [guards.UNCOMPARED]})
    text = new_code_cell("chart.text", execution_count=2, outputs=[new_output("execute_result", {"text/plain": "'x'"})])
    for cell in (chart, text):
        cell.metadata["slideshow"] = {"slide_type": "-"}
    good = new_notebook(cells=[slide("# A lesson"), chart, text], metadata=KERNEL)
    rules = (
        guards.execution_counts,
        guards.stored_outputs,
        guards.metadata,
        guards.slides,
        guards.pictures,
        guards.code,
    )
    assert [complaint for rule in rules for complaint in rule(good)] == []


@pytest.mark.slow
@pytest.mark.parametrize("notebook", [entry.notebook for entry in (*LESSONS, *CHAPTERS)])
def test_a_lesson_fails_when_starter_and_solution_are_exchanged(project, notebook):
    (project / "starter").rename(project / "other")
    (project / "solution").rename(project / "starter")
    (project / "other").rename(project / "solution")
    run = pytest_in(project, "--exitfirst", "--nbval", project / "notebooks" / notebook)
    assert run.returncode == 1, run.stdout
    assert "mismatch" in run.stdout


@pytest.mark.slow
def test_a_learner_s_workspace_changes_nothing_that_is_compared(project):
    mine = project / "workspace" / "modules" / "speech" / "speech_to_text.py"
    mine.parent.mkdir(parents=True)
    mine.write_text("half a th(ought", encoding="utf-8")
    run = pytest_in(project, "--nbval", project / "notebooks" / "00_start_here.ipynb")
    assert run.returncode == 0, run.stdout
    assert mine.read_text(encoding="utf-8") == "half a th(ought"
