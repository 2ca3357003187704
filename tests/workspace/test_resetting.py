"""A finding's code comes back with what it needs, the rest of the file stays, and nothing is ever lost."""

from __future__ import annotations

import ast
import shutil

import pytest

from kata.audit import audit, project_root
from kata.verdict import Status, judge
from kata.workspace import copies, reset, undo
from kata.workspace.files import modules

STT = "modules/speech/speech_to_text.py"
NODES = "graph/nodes.py"


def starter() -> str:
    return (project_root() / "starter" / STT).read_bytes().decode()


def contents(folder):
    return {path: (folder / path).read_bytes() for path in modules(folder)}


@pytest.mark.slow
@pytest.mark.parametrize("finding", audit().everything, ids=lambda finding: finding.id)
def test_what_was_put_back_is_untouched_although_all_was_refactored(desk, finding):
    desk.copy_of("solution")
    before = contents(desk.folder)
    done = reset(finding.id)
    verdict = judge(finding, desk.folder, limit=90)
    assert verdict.status is Status.UNTOUCHED, verdict.message
    assert {part.path for part in done.put_back} == {location.path for location in finding.where}
    undo()
    assert contents(desk.folder) == before


def test_the_rest_of_the_file_stays(begun):
    begun.replace("time.sleep(backoff_time)", "await asyncio.sleep(backoff_time)")
    begun.replace("import time\n", "import asyncio\n")
    begun.write(begun.read() + "\n\nMINE = 1  # as it is\n")
    run = begun.kata("reset", "1.4")
    assert f"{STT}: SpeechToText.transcribe, import time" in run.output
    assert "the same code is that of 1.5, 2.1" in run.output
    text = begun.read()
    assert text.replace("import asyncio\n", "") == starter().replace("import time\n", "").replace(
        "from ...settings import Settings\n", "from ...settings import Settings\nimport time\n"
    ) + ("\n\nMINE = 1  # as it is\n")


def test_another_finding_in_the_same_file_stays(begun):
    begun.replace("def memory_injection_node", "async def memory_injection_node", NODES)
    begun.replace("os.makedirs(", "os.mkdir(", NODES)
    begun.kata("reset", "1.1")
    assert "os.makedirs(" in begun.read(NODES)
    assert "async def memory_injection_node" in begun.read(NODES)


def test_nothing_is_put_back_and_no_copy_kept_where_all_is_as_it_was(begun):
    run = begun.kata("reset", "1.4")
    assert "nothing to put back" in run.output
    assert copies(begun.folder) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "deed",
    [
        lambda text: text.replace("async def transcribe(", "async def hear("),
        lambda text: text[: text.index("    async def transcribe(")] + text[text.index("    async def close(") :],
        lambda text: text.replace("class SpeechToText:", "class Ears:"),
        lambda text: text[: text.index("class SpeechToText:")],
        lambda text: text.replace("import os\nimport tempfile\nimport time\n", ""),
        lambda text: text.replace("AUDIO_TYPES", "TYPES"),
        lambda text: text[: text.index("def _checked(")],
        lambda text: text.replace("self._client", "self.client"),
        lambda text: text.replace("import time\n", "from asyncio import sleep as time\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "import this_is_not(",
        lambda text: "\0",
        lambda text: "",
        lambda text: text.replace("    async def close(", "    transcribe = None\n\n    async def close("),
        lambda text: text + "\n\nclass SpeechToText:\n    pass\n",
        lambda text: text.replace("    ", "\t"),
        lambda text: text.rstrip("\n"),
    ],
    ids=[
        "the method renamed",
        "the method deleted",
        "the class renamed",
        "the class deleted",
        "imports deleted",
        "a constant renamed",
        "a function that it calls deleted",
        "an attribute renamed",
        "a name that means something else",
        "line ends of Windows",
        "a byte order mark",
        "half a thought",
        "a null byte",
        "nothing left",
        "another value for the name",
        "a second class of the name",
        "tabs",
        "no end of the last line",
    ],
)
def test_whatever_was_done_to_it_it_is_untouched_afterwards(begun, deed):
    begun.write(deed(begun.read()))
    before = begun.read()
    done = reset("1.4")
    verdict = judge(audit().finding("1.4"), begun.folder, limit=90)
    assert verdict.status is Status.UNTOUCHED, verdict.message
    if done.copy:
        assert done.copy.read(STT).decode() == before
        undo()
        assert begun.read() == before


def test_line_ends_and_the_byte_order_mark_of_the_file_are_kept(begun):
    begun.write("\ufeff" + starter().replace("time.sleep(", "print(").replace("\n", "\r\n"))
    begun.kata("reset", "1.4")
    assert begun.read() == "\ufeff" + starter().replace("\n", "\r\n")


def test_a_latin_1_file_stays_one(begun):
    data = ("# -*- coding: latin-1 -*-\n# caf\u00e9\n" + starter().replace("time.sleep(", "print(")).encode("latin-1")
    (begun.folder / STT).write_bytes(data)
    begun.kata("reset", "1.4")
    assert (begun.folder / STT).read_bytes() == data.replace(b"print(", b"time.sleep(")


def test_a_decorator_goes_with_its_function(begun):
    begun.replace("    async def transcribe(", "    @staticmethod\n    async def transcribe(")
    begun.kata("reset", "1.4")
    assert begun.read() == starter()


def test_a_deleted_definition_comes_back_where_it_was(begun):
    def names() -> list[str]:
        return [node.name for node in ast.parse(begun.read(NODES)).body if hasattr(node, "name")]

    before = names()
    node = next(node for node in ast.parse(begun.read(NODES)).body if getattr(node, "name", "") == "image_node")
    lines = begun.read(NODES).splitlines(keepends=True)
    begun.write("".join(lines[: node.lineno - 1] + lines[node.end_lineno :]), NODES)
    assert "image_node" not in names()
    begun.kata("reset", "1.1")
    assert names() == before


def test_a_file_that_was_deleted_comes_back(begun):
    (begun.folder / STT).unlink()
    run = begun.kata("reset", "1.4")
    assert f"{STT}: the whole file (it was missing)" in run.output
    assert begun.read() == starter()


def test_why_a_whole_file_was_put_back_is_said(begun):
    begun.write("def half(")
    assert f"{STT}: the whole file (it is no Python: " in begun.kata("reset", "1.4").output
    assert begun.read() == starter()


def test_copies_are_listed_with_date_and_reason(begun):
    assert "no copy has been kept yet" in begun.kata("reset", "--list").output
    begun.replace("time.sleep(", "print(")
    begun.kata("reset", "1.4")
    (line,) = begun.kata("reset", "--list").output.splitlines()
    copy = copies(begun.folder)[0]
    assert line == f"1  {copy.made.astimezone():%Y-%m-%d %H:%M:%S}  before reset 1.4: {STT}"


def test_any_copy_can_be_brought_back_and_an_undo_undone(begun):
    versions = [starter().replace("time.sleep(", f"print({n}, ") for n in range(3)]
    for text in versions:
        begun.write(text)
        begun.kata("reset", "1.4")
    assert f"brought back from copy 2: {STT}" in begun.kata("reset", "--undo", "2").output
    assert begun.read() == versions[1]
    begun.kata("reset", "--undo", "3")
    assert begun.read() == versions[2]
    begun.kata("reset", "--undo")
    assert begun.read() == versions[1]
    begun.kata("reset", "--undo")
    assert begun.read() == versions[2]
    assert "nothing to bring back" in begun.kata("reset", "--undo", "3").output
    assert begun.kata("reset", "--undo", copies(begun.folder)[0].folder.name).exit_code == 0
    assert begun.read() == versions[0]


def test_copies_can_neither_be_imported_nor_judged(begun):
    begun.replace("time.sleep(", "print(")
    begun.kata("reset", "1.4")
    assert all(part.startswith(".") or ".kata" not in part for part in modules(begun.folder))
    assert not any(
        part.isidentifier() for copy in copies(begun.folder) for part in copy.folder.relative_to(begun.folder).parts[:1]
    )
    assert modules(begun.folder) == modules(project_root() / "starter")


def test_a_folder_that_leads_out_of_the_workspace_is_not_written_into(begun, tmp_path):
    outside = tmp_path / "outside"
    shutil.move(begun.folder / "modules", outside)
    (begun.folder / "modules").symlink_to(outside, target_is_directory=True)
    begun.replace("time.sleep(", "print(")
    run = begun.kata("reset", "1.4")
    assert run.exit_code == 1
    assert "leads out of the workspace" in run.output
    assert "print(" in (outside / "speech" / "speech_to_text.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["reset"], "pass one of a finding's ID, --list or --undo"),
        (["reset", "1.4", "--list"], "pass one of"),
        (["reset", "9.9"], "no finding '9.9': there are 1.1"),
        (["reset", "--undo"], "no copy has been kept yet"),
    ],
    ids=" ".join,
)
def test_a_wrong_call_says_what_is_right(begun, arguments, says):
    run = begun.kata(*arguments)
    assert run.exit_code == 2
    assert says in run.output


def test_a_copy_that_is_not_there_is_told_which_there_are(begun):
    begun.replace("time.sleep(", "print(")
    begun.kata("reset", "1.4")
    assert "no copy '7': there are 1 to 1" in begun.kata("reset", "--undo", "7").output


@pytest.mark.parametrize("arguments", [["reset", "1.4"], ["reset", "--list"], ["reset", "--undo"]], ids=" ".join)
def test_without_a_workspace_it_says_how_to_make_one(desk, arguments):
    run = desk.kata(*arguments)
    assert run.exit_code == 2
    assert "make it with `kata start`" in run.output
