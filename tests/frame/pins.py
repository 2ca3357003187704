"""Whether the ways to install the course agree, each rule as a function that returns its complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from typing import Any

import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PIN = re.compile(r"[A-Za-z0-9._-]+==[^\s;*]+(?: ; .+)?")
PYTHONS = ("3.11.0", "3.11.14", "3.12.1", "3.13.0")
PLATFORMS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def unpinned(text: str) -> list[str]:
    """Lines of requirements.txt that are no plain ``name==version``, with or without a marker."""
    return [f"{line!r} pins nothing" for line in lines(text) if not PIN.fullmatch(line)]


def environments() -> Iterator[dict[str, str]]:
    """The interpreters that the course is meant for, as markers see them."""
    for version in PYTHONS:
        for platform, (os_name, system) in PLATFORMS.items():
            yield {
                **default_environment(),
                "python_version": version.rpartition(".")[0],
                "python_full_version": version,
                "sys_platform": platform,
                "os_name": os_name,
                "platform_system": system,
                "extra": "",
            }


def out_of_step(declared: Iterable[Requirement], pins: Iterable[Requirement]) -> list[str]:
    """Requirements that a learner's machine would not get, or not at a version that they admit."""
    pins = list(pins)
    complaints: dict[str, None] = {}
    for environment in environments():
        where = f"on Python {environment['python_full_version']}, {environment['sys_platform']}"
        for wanted in declared:
            if wanted.marker and not wanted.marker.evaluate(environment):
                continue
            held = [pin for pin in pins if _same(pin, wanted) and (not pin.marker or pin.marker.evaluate(environment))]
            if len(held) != 1:
                complaints[f"{wanted.name} is pinned {len(held)} times {where}"] = None
            elif version(held[0]) not in wanted.specifier:
                complaints[f"{wanted.name} is pinned at {version(held[0])}, pyproject wants {wanted.specifier}"] = None
    return list(complaints)


def not_installed(pins: Iterable[Requirement], installed: Callable[[str], str]) -> list[str]:
    """Pins that hold here and are not what is installed."""
    complaints = []
    for pin in pins:
        if pin.marker and not pin.marker.evaluate():
            continue
        try:
            found = installed(pin.name)
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != version(pin):
            complaints.append(f"{pin.name} is {found}, requirements.txt says {version(pin)}")
    return complaints


def left_free(
    declared: Iterable[Requirement], pins: Iterable[Requirement], requires: Callable[[str], list[str] | None]
) -> list[str]:
    """Packages that come along with the declared ones, however far down, and have no pin."""
    pinned = {canonicalize_name(pin.name) for pin in pins}
    waiting, seen, complaints = list(declared), set(), []
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        if key[0] not in pinned:
            complaints.append(f"{wanted.name} comes along and is not pinned")
            continue
        for line in requires(wanted.name) or ():
            next_one = Requirement(line)
            if not next_one.marker or any(next_one.marker.evaluate({"extra": e}) for e in {"", *wanted.extras}):
                waiting.append(next_one)
    return complaints


def environment_yml(text: str, requires_python: str) -> list[str]:
    """What conda and repo2docker need to find: repo2docker honours a Python only as ``python=3.12``, in that form."""
    content: dict[str, Any] = yaml.safe_load(text)
    dependencies = content.get("dependencies", [])
    complaints = []
    if content.get("name") != "unblock-the-loop":
        complaints.append(f"its name is {content.get('name')!r}")
    if content.get("channels") != ["conda-forge", "nodefaults"]:
        complaints.append(f"its channels are {content.get('channels')}")
    pythons = [each for each in dependencies if isinstance(each, str) and each.startswith("python")]
    exact = re.fullmatch(r"python=(3\.\d+)", pythons[0]) if len(pythons) == 1 else None
    if not exact:
        complaints.append(f"it asks for {pythons}, not for exactly one python=3.x")
    elif f"{exact[1]}.1" not in SpecifierSet(requires_python):
        complaints.append(f"it asks for {exact[1]}, pyproject for {requires_python}")
    if "pip" not in dependencies:
        complaints.append("it installs by pip and does not ask for pip")
    if pip_part(text) != ["-r requirements.txt", "-e ."]:
        complaints.append(f"its pip part is {pip_part(text)}")
    return complaints


def pip_part(text: str) -> list[str]:
    """The lines of environment.yml that are for pip."""
    dependencies = yaml.safe_load(text).get("dependencies", [])
    return [line for each in dependencies if isinstance(each, dict) for line in each.get("pip", ())]


def version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def _same(one: Requirement, other: Requirement) -> bool:
    return canonicalize_name(one.name) == canonicalize_name(other.name)
