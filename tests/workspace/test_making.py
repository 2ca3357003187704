"""The workspace is a copy of the starter, and is never made over anything."""

from __future__ import annotations

import filecmp

from kata.audit import project_root
from kata.workspace.files import modules

STT = "modules/speech/speech_to_text.py"


def test_it_is_a_copy_of_the_starter(desk):
    assert "made" in desk.kata("start").output
    starter = project_root() / "starter"
    assert modules(desk.folder) == modules(starter)
    assert filecmp.cmpfiles(starter, desk.folder, modules(starter), shallow=False)[1:] == ([], [])


def test_what_is_there_is_never_overwritten(begun):
    begun.write("mine")
    run = begun.kata("start", "--missing")
    assert "nothing was changed" in run.output
    assert begun.read() == "mine"


def test_a_file_that_is_missing_is_named_and_added_when_asked(begun):
    (begun.folder / STT).unlink()
    begun.write("mine", "settings.py")
    assert f"it lacks {STT}: if you did not mean that, `kata start --missing`" in begun.kata("start").output
    assert not (begun.folder / STT).exists()
    assert f"added {STT}" in begun.kata("start", "--missing").output
    assert begun.read() == (project_root() / "starter" / STT).read_text()
    assert begun.read("settings.py") == "mine"


def test_an_empty_folder_is_filled(desk):
    desk.folder.mkdir()
    assert "made" in desk.kata("start").output
    assert modules(desk.folder) == modules(project_root() / "starter")


def test_a_file_in_its_place_is_said_to_be_in_the_way(desk):
    desk.folder.write_text("a note")
    run = desk.kata("start")
    assert run.exit_code == 1
    assert "is a file, and the workspace has to go there: move it away" in run.output
    assert desk.folder.read_text() == "a note"


def test_modules_are_the_python_files_outside_hidden_folders_and_caches(tmp_path):
    for name in ("a.py", "b/c.py", ".kata/d.py", "b/__pycache__/e.py", "b/.git/f.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.py").mkdir()
    assert modules(tmp_path) == ["a.py", "b/c.py"]


def test_a_link_in_a_circle_is_walked_once(tmp_path):
    (tmp_path / "a.py").touch()
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert modules(tmp_path) == ["a.py"]
