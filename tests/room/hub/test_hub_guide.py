"""What the guide to a room says is so: its numbers, its commands, its files, and what it tells a cluster."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kata.audit import project_root
from kata.cli import main
from kata.room.hub import command, needs, settings
from kata.room.hub.settings import Room

sys.path.insert(0, str(Path(__file__).parents[2] / "frame"))

import guards
import references

GUIDE = project_root() / "notebooks" / "teaching" / "hub.md"
TEXT = GUIDE.read_text(encoding="utf-8")
KEYS = yaml.safe_load(Path(__file__).with_name("chart_keys.yaml").read_text(encoding="utf-8"))
KINDS = {"string": str, "number": (int, float), "integer": int, "boolean": bool}


def blocks(kind: str) -> list[str]:
    """The guide's blocks of code of one kind."""
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def unknown(values: dict[str, Any], keys: dict[str, Any], path: str = "") -> Iterator[str]:
    """What a chart would not understand."""
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        if key not in keys:
            yield f"{here} is no key"
        elif isinstance(keys[key], dict):
            yield from unknown(value, keys[key], here)
        elif keys[key] != "any" and not isinstance(value, KINDS[keys[key]]):
            yield f"{here} is no {keys[key]}"


def test_the_numbers_of_the_guide_are_computed_from_the_record():
    stands = TEXT.partition("<!-- needs:start -->\n")[2].partition("<!-- needs:end -->")[0]
    assert stands == needs.section()


def test_what_a_room_needs_grows_with_it():
    few, many = needs.of(5), needs.of(60)
    assert few.memory < many.memory
    assert few.cores < many.cores
    assert many.coming <= needs.COMING
    assert many.asking <= needs.ASKING


def test_what_is_measured_is_what_is_said(tmp_path, monkeypatch):
    record = json.loads(needs.FILE.read_text(encoding="utf-8"))
    for room in record["rooms"]:
        room["sum of peaks MiB"] = 500 * room["learners"]
    (tmp_path / "measured.json").write_text(json.dumps(record))
    monkeypatch.setattr(needs, "FILE", tmp_path / "measured.json")
    assert needs.of(30).each == 500
    assert needs.of(30).memory == -(-(needs.SYSTEM + record["rooms"][-1]["hub MiB"] + 30 * 500) // 1024)


def test_the_limits_of_the_guide_are_the_defaults():
    room = Room(folder="")
    options = {option.name: option for option in command.hub.params}
    assert f"{room.memory // 2**30} GiB, {room.cores:g} processors, {room.processes} processes" in TEXT
    assert options["memory"].default * 2**30 == room.memory
    assert options["cull"].default * 60 == room.cull
    assert str(settings.DEFAULT_STATE) == command.STATE
    assert command.STATE in TEXT


def called() -> list[str]:
    """Each `kata hub …` of the guide, without what goes before it and what is said about it."""
    lines = "\n".join(blocks("bash")).splitlines() + re.findall(r"`([^`\n]+)`", TEXT)
    return sorted({line.partition("#")[0].split("kata hub", 1)[1].strip() for line in lines if "kata hub" in line})


@pytest.mark.parametrize("arguments", called())
def test_every_command_of_the_guide_is_one(arguments):
    context = click.Context(main)
    group = command.hub.make_context("hub", arguments.split() or ["--port", "8000"], parent=context)
    name, *rest = [*group._protected_args, *group.args] or [None]
    if name is not None:
        command.hub.commands[name].make_context(name, rest, parent=group)


def test_the_commands_were_found():
    assert {"delete ada", "password class", "--address 0.0.0.0 --self-signed", "update"} <= {*called()}


def test_every_file_that_the_guide_names_is_there():
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    assert guards.broken_links(prose, GUIDE.parent, project_root() / "workspace") == []
    assert list(guards.leaks(TEXT)) == []
    assert references.missing("`gone/file.py`", project_root()) != []


def test_what_a_cluster_is_told_is_what_the_chart_understands():
    (values,) = map(yaml.safe_load, blocks("yaml"))
    assert list(unknown(values, KEYS)) == []
    image = values["singleuser"]["image"]
    (course,) = values["singleuser"]["initContainers"]
    assert course["image"] == f"{image['name']}:{image['tag']}"
    (mount,) = course["volumeMounts"]
    assert mount["name"] == values["singleuser"]["storage"]["dynamic"]["volumeNameTemplate"]
    assert mount["mountPath"] == values["singleuser"]["storage"]["homeMountPath"]
    assert values["singleuser"]["defaultUrl"].removeprefix("/lab/tree/") == "notebooks/00_start_here.ipynb"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"singleuser": {"memory": {"limits": "2G"}}}, "singleuser.memory.limits is no key"),
        ({"cull": {"timeout": "3600"}}, "cull.timeout is no integer"),
        ({"culler": {}}, "culler is no key"),
    ],
)
def test_what_a_chart_does_not_understand_is_found(values, complaint):
    assert list(unknown(values, KEYS)) == [complaint]


def test_the_course_gets_into_a_volume_once_and_whole(tmp_path):
    """The command of the guide, run by a shell, with folders of this machine."""
    import subprocess

    (values,) = map(yaml.safe_load, blocks("yaml"))
    shell, option, script = values["singleuser"]["initContainers"][0]["command"]
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "README.md").write_text("read me")
    (tmp_path / "home" / ".half").mkdir(parents=True)
    (tmp_path / "home" / ".half" / "torn").touch()
    script = script.replace("/srv/course", str(tmp_path / "srv")).replace("/srv/learner", str(tmp_path / "home"))

    def run() -> None:
        subprocess.run([shell, option, script], env={"PATH": "/usr/bin:/bin"}, check=True)

    run()
    copy = tmp_path / "home" / "course" / "README.md"
    assert copy.read_text() == "read me"
    assert [each.name for each in copy.parent.iterdir()] == ["README.md"]
    copy.write_text("mine")
    run()
    assert copy.read_text() == "mine"
