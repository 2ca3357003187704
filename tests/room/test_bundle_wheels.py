"""Wheels for other machines, fetched by the real pip from a folder of small ones, or not fetched, in words."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from kata.cli import main
from kata.room.bundle import bundle, install, wheels
from kata.room.bundle.errors import CannotBundle, NoWheel, Unreachable
from kata.room.bundle.install import read_list
from kata.room.bundle.targets import PLATFORMS, Target
from kata.room.bundle.wheels import Pool


def wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> str:
    """Write a wheel with one module; returns its file name."""
    package, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{package}.py": b"",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    sums = {path: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=") for path, data in files.items()}
    files[f"{info}/RECORD"] = "".join(f"{path},sha256={sums[path].decode()},\n" for path in sums).encode()
    with zipfile.ZipFile(folder / f"{package}-{version}-{tag}.whl", "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return f"{package}-{version}-{tag}.whl"


@pytest.fixture(scope="session")
def pip() -> None:
    """Pip, as the bundle calls it: uv may have to fetch it once."""
    if subprocess.run([*wheels._pip_here(), "--version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no pip, and none can be fetched")


@pytest.fixture
def registry(pip: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in the place of the registry."""
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    (tmp_path / "pool").mkdir()
    return Pool(tmp_path / "pool")


def requirements(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def target(platform: str, python: str = "3.12") -> Target:
    return Target(PLATFORMS[platform], python)


@pytest.mark.slow
def test_each_target_gets_the_wheels_that_its_pip_would_choose(registry, pool, tmp_path):
    anybody = wheel(registry, "plain", "1.0")
    for tag in (
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp312-cp312-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_99_x86_64",
        "cp312-cp312-musllinux_1_2_x86_64",
        "cp312-cp312-macosx_11_0_arm64",
        "cp38-abi3-win_amd64",
    ):
        wheel(registry, "fast", "2.0", tag)
    wheel(registry, "fast", "3.0")
    pins = requirements(tmp_path, "fast==2.0", "plain==1.0", "only-there==1 ; sys_platform == 'sunos5'")
    chosen = {
        (platform, python): [each.wheel for each in pool.of(target(platform, python), pins)]
        for platform, python in (("linux", "3.11"), ("linux", "3.12"), ("macos", "3.12"), ("windows", "3.13"))
    }
    assert chosen == {
        ("linux", "3.11"): ["fast-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", anybody],
        ("linux", "3.12"): ["fast-2.0-cp312-cp312-manylinux_2_28_x86_64.whl", anybody],
        ("macos", "3.12"): ["fast-2.0-cp312-cp312-macosx_11_0_arm64.whl", anybody],
        ("windows", "3.13"): ["fast-2.0-cp38-abi3-win_amd64.whl", anybody],
    }
    assert sorted(file.name for file in pool.folder.iterdir()) == sorted(
        {name for names in chosen.values() for name in names}
    )


@pytest.mark.slow
def test_a_python_has_both_wheels_where_its_release_decides(registry, pool, tmp_path):
    old, new = wheel(registry, "soup", "1"), wheel(registry, "soup", "2")
    early, late = "soup==1 ; python_full_version < '3.11.5'", "soup==2 ; python_full_version >= '3.11.5'"
    listed = pool.of(target("linux", "3.11"), requirements(tmp_path, early, late))
    assert [(each.pin, each.wheel) for each in listed] == [(early, old), (late, new)]
    (tmp_path / "list.txt").write_text("\n".join(map(str, listed)), encoding="utf-8")
    assert read_list(tmp_path / "list.txt") == {
        name: hashlib.sha256((pool.folder / name).read_bytes()).hexdigest() for name in (old, new)
    }


@pytest.mark.slow
def test_what_has_no_wheel_is_named_and_all_of_it(registry, pool, tmp_path):
    wheel(registry, "plain", "1.0")
    for name in ("fast", "faster"):
        wheel(registry, name, "2.0", "cp312-cp312-win_amd64")
    pins = requirements(tmp_path, "fast==2.0", "faster==2.0", "plain==1.0")
    with pytest.raises(NoWheel) as told:
        pool.of(target("macos-intel"), pins)
    assert told.value.missing == {"macos-intel, Python 3.12": ["fast==2.0", "faster==2.0"]}
    assert "no wheel of fast==2.0, faster==2.0" in str(told.value)


def source(folder: Path, name: str) -> None:
    """Write the source of a package that builds itself, and needs nothing for it."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    backend = f"""
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("{name}.py", "")
        wheel.writestr("{name}-1.0.dist-info/METADATA", {metadata!r})
        wheel.writestr("{name}-1.0.dist-info/WHEEL", {tags!r})
        wheel.writestr("{name}-1.0.dist-info/RECORD", "")
    return "{name}-1.0-py3-none-any.whl"
"""
    files = {
        "PKG-INFO": metadata,
        "backend.py": backend,
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
    }
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


@pytest.mark.slow
def test_what_is_published_as_source_is_built_once_for_all_and_only_if_it_is_python(
    registry, pool, tmp_path, monkeypatch
):
    for name in ("plain", "compiled"):
        source(registry, name)
    monkeypatch.setattr(wheels, "_is_python", lambda pin: pin.startswith("plain"))
    for platform in ("linux", "windows"):
        (listed,) = pool.of(target(platform), requirements(tmp_path, "plain==1.0"))
        assert listed.wheel == "plain-1.0-py3-none-any.whl"
        shutil.rmtree(registry, ignore_errors=True)
    registry.mkdir()
    source(registry, "compiled")
    with pytest.raises(NoWheel, match="no wheel of compiled==1.0"):
        pool.of(target("linux"), requirements(tmp_path, "compiled==1.0"))


def test_what_is_python_and_no_more_is_seen_where_it_is_installed():
    assert [wheels._is_python(f"{name}==1") for name in ("click", "pydantic-core", "not-installed")] == [
        True,
        False,
        False,
    ]


@pytest.fixture
def project(registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project in the place of the course, and a registry that has what it needs, but `fast` not for macOS."""
    for name in ("pip", "editables", "plain"):
        wheel(registry, name, "1.0")
    for tag in ("cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-win_amd64"):
        wheel(registry, "fast", "2.0", tag)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[build-system]\nrequires = ['plain']\n", encoding="utf-8")
    (folder / "README.md").write_text("The course", encoding="utf-8")
    (folder / ".env").write_text("GROQ_API_KEY=a teacher's", encoding="utf-8")
    (folder / "requirements.txt").write_text("fast==2.0\nplain==1.0\n", encoding="utf-8")
    monkeypatch.setattr(bundle, "project_root", lambda: folder)
    return folder


@pytest.mark.slow
def test_the_archive_has_the_course_the_wheels_and_what_installs_them_and_is_the_same_each_time(project, tmp_path):
    file = tmp_path / "made" / "bundle.zip"
    call = ["bundle", "--python", "3.12", "--output", str(file), "--platform", "linux", "--platform", "windows"]
    runs = []
    for again in ([], ["--replace"]):
        run = CliRunner().invoke(main, [*call, *again])
        assert run.exit_code == 0, run.output
        runs.append(file.read_bytes())
        assert list(file.parent.iterdir()) == [file]
    assert runs[0] == runs[1]
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert [name.removeprefix("unblock-the-loop/") for name in archive.namelist()] == [
            "INSTALL.txt",
            "course/README.md",
            "course/pyproject.toml",
            "course/requirements.txt",
            "install.py",
            "wheels/editables-1.0-py3-none-any.whl",
            "wheels/fast-2.0-cp312-cp312-manylinux_2_17_x86_64.whl",
            "wheels/fast-2.0-cp312-cp312-win_amd64.whl",
            "wheels/linux-3.12.txt",
            "wheels/pip-1.0-py3-none-any.whl",
            "wheels/plain-1.0-py3-none-any.whl",
            "wheels/tools.txt",
            "wheels/windows-3.12.txt",
        ]
        archive.extractall(tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked" / "unblock-the-loop"
    assert (unpacked / "install.py").read_bytes() == Path(str(install.__file__)).read_bytes()
    assert "Linux on x86-64, glibc 2.28 or later, with Python 3.12\n" in (unpacked / "INSTALL.txt").read_text()
    for name in ("linux-3.12.txt", "windows-3.12.txt", "tools.txt"):
        for each, wanted in read_list(unpacked / "wheels" / name).items():
            assert hashlib.sha256((unpacked / "wheels" / each).read_bytes()).hexdigest() == wanted


@pytest.mark.slow
def test_a_platform_without_a_wheel_is_left_out_unless_it_was_asked_for(project, tmp_path):
    left_out = CliRunner().invoke(main, ["bundle", "--python", "3.12", "--output", str(tmp_path / "some.zip")])
    assert left_out.exit_code == 0
    assert "macos, Python 3.12: left out, there is no wheel of fast==2.0 for it" in left_out.output
    assert "Windows" in left_out.stdout
    assert "macOS" not in left_out.stdout
    call = ["bundle", "--python", "3.12", "--output", str(tmp_path / "none.zip")]
    asked_for = CliRunner().invoke(main, [*call, "--platform", "linux", "--platform", "macos"])
    assert asked_for.exit_code == 3
    assert "macos, Python 3.12: no wheel of fast==2.0" in asked_for.output
    assert not (tmp_path / "none.zip").exists()


def test_a_registry_that_does_not_answer_is_told_from_a_wheel_that_is_not_there(registry, pool, tmp_path, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}/simple")
        monkeypatch.setenv("PIP_RETRIES", "0")  # as somebody may have it
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(Unreachable, match="the registry cannot be reached"):
            pool.of(target("linux"), requirements(tmp_path, "plain==1.0"))


def test_where_there_is_neither_pip_nor_uv_one_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(wheels.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotBundle, match="pip install uv"):
        wheels._pip_here()


def test_a_file_that_is_there_is_not_replaced_unless_that_is_asked_for(tmp_path):
    file = tmp_path / "thesis.zip"
    file.write_text("three years of work", encoding="utf-8")
    run = CliRunner().invoke(main, ["bundle", "--output", str(file)])
    assert run.exit_code == 3
    assert "--replace" in run.output
    assert file.read_text(encoding="utf-8") == "three years of work"


def test_what_is_no_zip_file_is_a_wrong_call(tmp_path):
    run = CliRunner().invoke(main, ["bundle", "--output", str(tmp_path / "course.tar")])
    assert run.exit_code == 2
    assert "has to end in .zip" in run.output
