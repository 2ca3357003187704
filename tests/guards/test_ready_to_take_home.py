"""What others take home works: the hook's command, and this project's own use of it."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest
import yaml
from click.testing import CliRunner

from kata.audit import project_root
from kata.cli import main

ROOT = project_root()


@pytest.fixture
def hook():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return hook


def test_the_hook_runs_a_command_that_is_installed(hook):
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert shlex.split(hook["entry"])[0] in scripts


@pytest.mark.parametrize(("package", "status"), [("starter", 1), ("solution", 0)])
def test_the_hook_judges_the_files_that_it_is_given(hook, package, status):
    files = [ROOT / package / "graph" / "nodes.py", ROOT / package / "settings.py"]
    run = CliRunner().invoke(main, [*shlex.split(hook["entry"])[1:], *map(str, files)])
    assert run.exit_code == status, run.output


def test_this_project_audits_itself():
    run = CliRunner().invoke(main, ["audit", str(ROOT / "solution"), str(ROOT / "notebooks" / "kata")])
    assert run.exit_code == 0, run.output


@pytest.mark.parametrize("file", [".ci/run", ".github/workflows/course.yml"])
def test_this_project_s_own_checks_use_what_others_take_home(file):
    commands = re.findall(r"uv run (kata audit .*|pytest .*--pulse=.*)", (ROOT / file).read_text(encoding="utf-8"))
    assert [command.split()[0] for command in commands] == ["kata", "pytest"]
    folder = re.search(r"--pulse=(\S+)", commands[1]).group(1)
    assert (ROOT / folder / "callers.py").is_file()


@pytest.fixture
def snippets():
    """The README's pieces of YAML."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [yaml.safe_load(piece) for piece in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_snippets_of_the_readme_name_what_there_is(hook, snippets):
    steps, (repository,) = snippets
    assert [step["run"].split()[0] for step in steps] == ["pip", "kata"]
    assert [each["id"] for each in repository["hooks"]] == [hook["id"]]


def test_the_commands_of_the_snippets_run(snippets, tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("import time\nasync def f():\n    time.sleep(1)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (_, audits), (repository,) = snippets
    (hook,) = repository["hooks"]
    written = CliRunner().invoke(main, ["audit", "src", "--write-baseline", "audit-baseline.json"])
    assert written.exit_code == 0, written.output
    for arguments in (shlex.split(audits["run"])[1:], ["audit", *hook["args"], "src/a.py"]):
        run = CliRunner().invoke(main, arguments)
        assert run.exit_code == 0, run.output


def test_the_readme_sends_nobody_to_an_address_that_is_made_up(snippets):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"(?:git\+|repo: )https?://\S+|\b(?:OWNER|YOUR-?NAME|example\.\w+)\b", text) == []


@pytest.mark.parametrize("file", [".ci/run", ".github/workflows/course.yml"])
def test_its_ci_runs_the_audit(file):
    assert "uv run kata audit solution notebooks/kata --thorough" in (ROOT / file).read_text(encoding="utf-8")
