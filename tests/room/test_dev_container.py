"""The dev container does what the README says, in the form that its specification has."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from jupyter_server import DEFAULT_JUPYTER_SERVER_PORT
from packaging.specifiers import SpecifierSet

from kata.audit import project_root

ROOT = project_root()

KNOWN = {
    "build": dict,
    "containerEnv": dict,
    "customizations": dict,
    "features": dict,
    "forwardPorts": list,
    "hostRequirements": dict,
    "image": str,
    "name": str,
    "onCreateCommand": str,
    "portsAttributes": dict,
    "postAttachCommand": str,
    "postCreateCommand": str,
    "postStartCommand": str,
    "remoteEnv": dict,
    "remoteUser": str,
    "updateContentCommand": str,
    "waitFor": str,
}
"""Properties of the Dev Container Metadata Reference that a container for a course may have, in the form used here."""


@pytest.fixture
def container():
    return json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))


@pytest.fixture
def commands():
    """The lines that the README has one type, as far as `&&`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    lines = [line.partition("#")[0].strip() for line in fenced.splitlines()]
    return {part.strip() for line in [*lines, *re.findall(r"`([^`\n]+)`", text)] for part in line.split("&&")}


def test_it_has_properties_that_the_specification_knows(container):
    assert {name: type(value) for name, value in container.items()} == {name: KNOWN.get(name) for name in container}


def test_its_commands_are_those_of_the_readme(container, commands):
    own = [value for name, value in container.items() if name.endswith("Command")]
    assert own
    assert {part.strip() for command in own for part in command.split("&&")} <= commands


def test_its_python_is_named_and_one_that_the_course_takes(container):
    image, _, tag = container["image"].partition(":")
    version = re.fullmatch(r"(3\.\d+)-\w+", tag)
    assert (image, version is not None) == ("mcr.microsoft.com/devcontainers/python", True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"{version[1]}.1" in SpecifierSet(project["requires-python"])
    assert f"python={version[1]}\n" in (ROOT / "environment.yml").read_text(encoding="utf-8")


def test_the_port_is_jupyterlabs_own(container):
    assert container["forwardPorts"] == [DEFAULT_JUPYTER_SERVER_PORT]
    assert list(container["portsAttributes"]) == [str(port) for port in container["forwardPorts"]]


def test_the_editor_finds_the_environment_that_uv_makes_and_can_run_notebooks(container):
    editor = container["customizations"]["vscode"]
    assert editor["settings"]["python.defaultInterpreterPath"] == "${containerWorkspaceFolder}/.venv/bin/python"
    assert {"ms-python.python", "ms-toolsai.jupyter"} <= set(editor["extensions"])


def test_what_is_opened_is_there(container):
    assert [(ROOT / name).is_file() for name in container["customizations"]["codespaces"]["openFiles"]] == [True]
