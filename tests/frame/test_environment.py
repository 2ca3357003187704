"""What is tracked belongs to the project, and an environment made from it by pip works."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import guards
import pins
import pytest

from kata.audit import project_root

ROOT = project_root()
uv = shutil.which("uv")
needs_uv = pytest.mark.skipif(uv is None, reason="uv is not on the PATH: pip install uv")


def tracked() -> list[str]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    return subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_top_level_holds_what_belongs_there():
    assert guards.top_level(sorted({name.partition("/")[0] for name in tracked()})) == []
    assert guards.top_level(["docs"])


def test_no_lock_file_is_tracked():
    assert [name for name in tracked() if Path(name).name in ("uv.lock", "poetry.lock", "package-lock.json")] == []


def test_no_registry_and_no_path_of_a_machine_is_tracked():
    complaints = []
    for name in tracked():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a sound, or deleted and not yet committed
        complaints += [f"{name}: {leak}" for leak in guards.leaks(text)]
    assert complaints == []


def test_leaks_are_found():
    registry, home, windows = "py" + "pi.org/simple", "/ho" + "me/ada/course", r"C:\Us" + r"ers\ada"
    assert len(list(guards.leaks(f"index-url = 'https://{registry}', {registry}, see {home} or {windows}"))) == 4
    assert list(guards.leaks("https://api.groq.com and ../home/page and a/work/b")) == []


def test_the_links_of_the_readme_lead_somewhere():
    assert guards.broken_links((ROOT / "README.md").read_text(encoding="utf-8"), ROOT, ROOT / "workspace") == []


def run_uv(*arguments: str | Path) -> str:
    """Run uv from its cache; ask the registry only if that does not have everything."""
    command = [str(uv), *map(str, arguments)]
    offline = subprocess.run([*command, "--offline"], cwd=ROOT, capture_output=True, text=True, check=False)
    if offline.returncode == 0:
        return offline.stdout
    online = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "Failed to fetch" in online.stderr or "dns error" in online.stderr:
        pytest.skip("uv's cache does not have everything, and the registry cannot be reached")
    assert online.returncode == 0, online.stderr
    return online.stdout


@needs_uv
@pytest.mark.slow
def test_the_pins_are_what_uv_compiles():
    form = ["--universal", "--no-header", "--no-annotate", "--python-version", "3.11", "--group", "dev"]
    compiled = run_uv("pip", "compile", *form, "pyproject.toml", "--quiet")
    assert compiled.split() == (ROOT / "requirements.txt").read_text(encoding="utf-8").split()


@needs_uv
@pytest.mark.slow
def test_the_pip_part_of_the_conda_environment_installs_and_works(tmp_path, monkeypatch):
    monkeypatch.delenv("UV_COMPILE_BYTECODE", raising=False)  # two commands are run in it: that would cost most of all
    lines = pins.pip_part((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = tmp_path / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run_uv("venv", tmp_path / "env", "--python", sys.executable)
    run_uv("pip", "install", "--python", python, *" ".join(lines).split())
    subprocess.run([python, "-c", "import kata, starter, solution"], cwd=tmp_path, check=True)
    kata = python.with_name("kata")
    said = subprocess.run([kata, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "course on refactoring async Python" in said.stdout, said.stderr
