"""Runs a project's own tests under the pulse, and says where the event loop stood still."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from kata.guards.engines import EngineFailed
from kata.guards.issue import Hit

RULE = "loop-stood-still"

PASSED, FAILED = 0, 1
"""pytest's exit statuses that mean that the tests were run."""


def watched(command: str, package: Path) -> tuple[list[Hit], list[str]]:
    """Run a command that runs pytest, such as ``pytest -q tests``, with the pulse of its async tests taken.

    Returns:
        Where the loop stood still in the package's code, and what is to be said about the run.

    Raises:
        EngineFailed: If the command could not be started, or ran no tests with the pulse.
    """
    with tempfile.TemporaryDirectory(prefix="kata-pulse-") as folder:
        options = ["--pulse", str(package.resolve()), "--pulse-report", folder]
        added = " ".join([os.environ.get("PYTEST_ADDOPTS", ""), *map(shlex.quote, options)])
        try:
            run = subprocess.run(
                shlex.split(command) if os.name == "posix" else command,
                env={**os.environ, "PYTEST_ADDOPTS": added},
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except (OSError, ValueError) as error:
            raise EngineFailed(f"{command!r} cannot be started: {error}") from error
        reports = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(Path(folder).glob("*.json"))]
    if run.returncode not in (PASSED, FAILED) or not reports:
        raise EngineFailed(_why(command, run))
    places = {(entry["path"], entry["line"]) for report in reports for entry in report}
    notes = [f"{command!r}: some tests failed, so the pulse may have seen less"] if run.returncode == FAILED else []
    return [Hit(RULE, path, line, 1, line) for path, line in sorted(places)], notes


def _why(command: str, run: subprocess.CompletedProcess[str]) -> str:
    said = " / ".join((run.stderr.strip() or run.stdout.strip()).splitlines()[-3:])
    return (
        f"{command!r} left with status {run.returncode} and ran no tests with the pulse: "
        f"it has to run pytest, where this course is installed beside the tests. It said: {said}"
    )
