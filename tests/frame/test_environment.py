"""The ways to install the course agree with each other, and nothing of this machine is in them."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import guards
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kata.audit import project_root

ROOT = project_root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PINS = [Requirement(line) for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()]
WANTED = [Requirement(line) for line in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]]
uv = shutil.which("uv")
needs_uv = pytest.mark.skipif(uv is None, reason="uv is not on the PATH: pip install uv")


def applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def test_every_pin_is_an_exact_version():
    assert [str(pin) for pin in PINS if [s.operator for s in pin.specifier] != ["=="] or pin.url] == []


@pytest.mark.parametrize("wanted", WANTED, ids=lambda requirement: requirement.name)
def test_a_dependency_is_pinned_to_a_version_it_admits(wanted):
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
    assert pins
    for pin in pins:
        (version,) = [specifier.version for specifier in pin.specifier]
        assert version in wanted.specifier


def test_what_is_installed_is_what_is_pinned():
    installed = {canonicalize_name(d.name): d.version for d in importlib.metadata.distributions()}
    pins = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in PINS if applies(pin)}
    assert {name: version for name, version in installed.items() if pins.get(name, version) != version} == {}


def test_conda_and_binder_get_python_the_pins_and_the_project():
    *conda, pip = ENVIRONMENT["dependencies"]
    assert "python=3.12" in conda  # repo2docker honours exactly this form
    assert pip == {"pip": ["-r requirements.txt", "-e ."]}
    assert ENVIRONMENT["name"] == PROJECT["project"]["name"]


def test_the_user_s_packages_are_there():
    names = {canonicalize_name(requirement.name) for requirement in WANTED}
    assert names >= {"jupyterlab", "nbval", "pytest-asyncio", "aiofiles", "httpx", "langgraph", "groq"}


def test_python_3_11_to_3_13_and_a_day_after_which_nothing_changes():
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"
    assert PROJECT["tool"]["uv"]["exclude-newer"]


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
    registry, home = "https://py" + "pi.org/simple", "/ho" + "me/ada/course"
    assert len(list(guards.leaks(f"index-url = '{registry}', see {home}"))) == 2
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
def test_the_pip_part_of_the_conda_environment_installs_and_works(tmp_path):
    lines = ENVIRONMENT["dependencies"][-1]["pip"]
    python = tmp_path / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run_uv("venv", tmp_path / "env", "--python", sys.executable)
    run_uv("pip", "install", "--python", python, *" ".join(lines).split())
    trial = "import kata, starter, solution; from kata.cli import main; main(['hint', '1.4'])"
    said = subprocess.run([python, "-c", trial], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout.startswith("hint 1 of"), said.stderr
