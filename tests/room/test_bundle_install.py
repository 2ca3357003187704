"""The script in the archive: which machines it takes, and what it says to the others before it changes anything."""

from __future__ import annotations

import ast
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from kata.room.bundle import install
from kata.room.bundle.install import CannotInstall

SCRIPT = Path(install.__file__)
BITS_64 = 2**63 - 1


def test_older_pythons_can_read_it_and_so_say_that_they_are_too_old():
    assert ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_it_needs_nothing_but_the_standard_library():
    imported = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported <= set(sys.stdlib_module_names)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Have the script see another machine than this one."""

    def become(
        system="linux",
        built_for="linux-x86_64",
        processor="x86_64",
        python=(3, 12, 1),
        implementation="CPython",
        maxsize=BITS_64,
        libc=("glibc", "2.36"),
        macos="14.5",
        free_threaded=0,
        on_path=(),
    ):
        monkeypatch.setattr(install, "WHEELS", tmp_path)
        monkeypatch.setattr(install, "sys", SimpleNamespace(platform=system, version_info=python, maxsize=maxsize))
        told = {
            "machine": lambda: processor,
            "python_implementation": lambda: implementation,
            "libc_ver": lambda: libc,
            "mac_ver": lambda: (macos, ("", "", ""), processor),
        }
        monkeypatch.setattr(install, "platform", SimpleNamespace(**told))
        settings = {"get_platform": lambda: built_for, "get_config_var": lambda name: free_threaded}
        monkeypatch.setattr(install, "sysconfig", SimpleNamespace(**settings))
        monkeypatch.setattr(install.shutil, "which", lambda name: name if name in on_path else None)

    return become


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        ({}, ("linux", "3.12")),
        ({"python": (3, 11, 0)}, ("linux", "3.11")),
        ({"libc": ("glibc", "2.28")}, ("linux", "3.12")),
        ({"processor": "aarch64", "built_for": "linux-aarch64"}, ("linux-arm", "3.12")),
        ({"system": "darwin", "processor": "arm64", "built_for": "macosx-10.13-universal2"}, ("macos", "3.12")),
        ({"system": "darwin", "macos": "11.0", "built_for": "macosx-10.13-universal2"}, ("macos-intel", "3.12")),
        ({"system": "win32", "processor": "AMD64", "built_for": "win-amd64"}, ("windows", "3.12")),
        ({"system": "win32", "processor": "ARM64", "built_for": "win-amd64"}, ("windows", "3.12")),
    ],
)
def test_a_machine_is_recognised(machine, seen, name):
    machine(**seen)
    assert install.this_target() == name


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"python": (3, 9, 6)}, "CPython 3.9, and it needs Python 3.11 or 3.12 or 3.13: install one"),
        ({"python": (3, 14, 0), "on_path": ("python3.12",)}, "run it by `python3.12 install.py`"),
        ({"implementation": "PyPy"}, "PyPy 3.12, and it needs"),
        ({"free_threaded": 1}, "free-threaded"),
        ({"maxsize": 2**31 - 1}, "32-bit"),
        ({"libc": ("glibc", "2.17")}, r"has glibc 2\.17, and it needs glibc 2\.28"),
        ({"libc": ("", "")}, "another C library"),
        ({"processor": "riscv64", "built_for": "linux-riscv64"}, "no bundles for linux-riscv64"),
        ({"system": "darwin", "macos": "10.15"}, r"macOS 10\.15, and it needs 11\.0"),
        ({"system": "win32", "processor": "ARM64", "built_for": "win-arm64"}, "no bundles for win-arm64"),
    ],
)
def test_another_machine_is_told_why_not(machine, seen, said):
    machine(**seen)
    with pytest.raises(CannotInstall, match=said):
        install.this_target()


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """An unpacked bundle for Linux with Python 3.12, with one wheel."""
    wheels, course = tmp_path / "wheels", tmp_path / "course"
    wheels.mkdir()
    course.mkdir()
    (course / "pyproject.toml").touch()
    with zipfile.ZipFile(wheels / "a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a/module.py", "x = 1\n" * 1000)
    digest = hashlib.sha256((wheels / "a-1-py3-none-any.whl").read_bytes()).hexdigest()
    (wheels / "linux-3.12.txt").write_text(f"# Linux\na==1 --hash=sha256:{digest}  # a-1-py3-none-any.whl\n")
    monkeypatch.setattr(install, "WHEELS", wheels)
    monkeypatch.setattr(install, "COURSE", course)
    return tmp_path


def test_a_bundle_for_others_says_for_whom_it_is(unpacked):
    with pytest.raises(CannotInstall, match=r"is for linux with Python 3\.12, and this is windows with Python 3\.11"):
        install.wheels_for(("windows", "3.11"), unpacked / "wheels")


def test_an_archive_that_is_not_unpacked_is_told(tmp_path):
    with pytest.raises(CannotInstall, match="unpack the whole archive"):
        install.wheels_for(("linux", "3.12"), tmp_path)
    with pytest.raises(CannotInstall, match="unpack the whole archive"):
        install.check_room(tmp_path / "course", ())


def test_a_damaged_wheel_is_found_and_a_whole_one_passes(unpacked):
    wheels = install.wheels_for(("linux", "3.12"), unpacked / "wheels")
    install.check_sums(wheels)
    file = unpacked / "wheels" / "a-1-py3-none-any.whl"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CannotInstall, match=r"a-1-py3-none-any\.whl is damaged: copy the archive again"):
        install.check_sums(wheels)
    file.unlink()
    with pytest.raises(CannotInstall, match="missing"):
        install.check_sums(wheels)


def test_a_full_disk_is_told_before_anything_is_made(unpacked, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda folder: usage(8999))
    with pytest.raises(CannotInstall, match="make room"):
        install.check_room(unpacked / "course", ["a-1-py3-none-any.whl"])
    monkeypatch.setattr(install.shutil, "disk_usage", lambda folder: usage(9001))
    install.check_room(unpacked / "course", ["a-1-py3-none-any.whl"])


def test_a_path_that_windows_does_not_take_is_told():
    longest = len(install.compiled("package/module.py"))
    assert longest == len("package/__pycache__/module.cpython-313.pyc")
    room = 259 - longest - len(r"\.venv\Lib\site-packages") - 1
    install.check_path("C" * room, longest)
    with pytest.raises(CannotInstall, match=f"has {room} at most"):
        install.check_path("C" * (room + 1), longest)


def test_the_environment_is_kept_if_it_is_this_bundles_and_made_anew_if_not(unpacked):
    environment = unpacked / "course" / ".venv"
    python = install.make(environment, "this bundle")
    assert subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, check=True, text=True)
    (environment / "half").touch()
    install.make(environment, "this bundle")  # was not finished
    assert not (environment / "half").exists()
    (environment / install.DONE).write_text("this bundle")
    (environment / "whole").touch()
    install.make(environment, "this bundle")
    assert (environment / "whole").exists()
    install.make(environment, "another bundle")
    assert not (environment / "whole").exists()


def test_a_folder_that_is_no_environment_is_left_alone(unpacked):
    environment = unpacked / "course" / ".venv"
    environment.mkdir()
    (environment / "thesis.txt").touch()
    with pytest.raises(CannotInstall, match="move it away"):
        install.make(environment, "this bundle")
    assert (environment / "thesis.txt").exists()


def test_where_venv_is_missing_one_is_told_how_to_get_it(unpacked, monkeypatch):
    monkeypatch.setitem(sys.modules, "venv", None)
    with pytest.raises(CannotInstall, match="python3-venv"):
        install.make(unpacked / "course" / ".venv", "this bundle")


def test_as_a_script_it_leaves_with_status_1_and_no_traceback(unpacked):
    (unpacked / "wheels" / "linux-3.12.txt").rename(unpacked / "wheels" / "windows-3.10.txt")
    shutil.copy(SCRIPT, unpacked)
    run = subprocess.run([sys.executable, unpacked / "install.py"], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("\nThe course is not installed: this bundle is for windows with Python 3.10, and this")
    assert "Traceback" not in run.stderr
    assert not (unpacked / "course" / ".venv").exists()


def test_the_way_to_the_course_has_no_letters_of_its_own(tmp_path, monkeypatch):
    course = tmp_path / "Kurs für alle"
    place = course / ".venv" / "lib" / "python3.12" / "site-packages"
    place.mkdir(parents=True)
    (place / "_unblock_the_loop.pth").write_text(f"{course}\n", encoding="utf-8")
    monkeypatch.setattr(install, "COURSE", course)
    install.point_to_the_course(place)
    lines = (place / "_unblock_the_loop.pth").read_text(encoding="ascii").splitlines()
    assert [(place / line).resolve() for line in lines] == [course / "notebooks", course]
