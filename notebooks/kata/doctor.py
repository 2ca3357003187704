"""Is everything here that the course needs?"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from kata.target import workspace

PROJECT = "unblock-the-loop"


class NotReady(Exception):
    """Something is missing; the message says what to do."""


def ready() -> list[tuple[str, str | None]]:
    """Check each thing the course needs.

    Returns:
        A name and None for what is fine; a name and what to do for what is not.
    """
    return [(name, _complaint(check)) for name, check in _CHECKS.items()]


def _complaint(check: Callable[[], None]) -> str | None:
    try:
        check()
    except NotReady as error:
        return str(error)
    return None


def _python() -> None:
    wanted = metadata.metadata(PROJECT)["Requires-Python"]
    version = ".".join(map(str, sys.version_info[:3]))
    if version not in SpecifierSet(wanted):
        raise NotReady(f"this is Python {version}, the course needs {wanted}: run it with `uv run`")


def _packages() -> None:
    for line in metadata.requires(PROJECT) or ():
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            raise NotReady(f"{requirement.name} is missing: install the course with `uv sync`") from None
        if version not in requirement.specifier:
            raise NotReady(f"{requirement.name} is {version}, not {requirement.specifier}: run `uv sync`")


def _companion() -> None:
    for package in ("starter", "solution"):
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise NotReady(f"{error}: install the course with `uv sync`, from its own folder") from None


def _loopback() -> None:
    from kata.instruments.standins import providers

    try:
        with providers("groq"):
            pass
    except (OSError, RuntimeError) as error:
        raise NotReady(f"a stand-in could not be started on 127.0.0.1: {error}") from None


def _disk() -> None:
    folder = workspace().parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        raise NotReady(f"{folder} cannot be written: the workspace has to go there")


_CHECKS: dict[str, Callable[[], None]] = {
    "this Python": _python,
    "every package, at a version that fits": _packages,
    "starter and solution": _companion,
    "a stand-in on loopback": _loopback,
    "room for the workspace": _disk,
}
