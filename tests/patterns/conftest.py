"""What the good patterns' tests are arranged with: the companion, its counter-examples, and stand-ins for everybody."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kata.gallery import Change
from kata.instruments.standins import Providers
from kata.target import Target

sys.path.insert(0, str(Path(__file__).parents[1] / "interfaces"))  # the chat page's visitor


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of the conversations; it does not exist yet."""
    return tmp_path / "memory.db"


@pytest.fixture
def settings(everybody: Providers, database: Path, tmp_path: Path) -> Callable[..., Any]:
    """Make the settings of a package, with its files below `tmp_path`."""

    def make(package: Target, **given: Any) -> Any:
        kept = {"SHORT_TERM_MEMORY_DB_PATH": str(database), "IMAGE_FOLDER": str(tmp_path / "pictures")}
        settings_of = package.load("settings").Settings
        return settings_of(_env_file=None, **{**everybody.settings(), **kept, **given})

    return make


@pytest.fixture
def counter_example(target: Target, tmp_path: Path) -> Callable[..., Target]:
    """Make a copy of the package under test in which a good pattern is broken by exact replacements."""

    def make(*changes: Change) -> Target:
        folder = tmp_path / f"{target.name}_{tmp_path.name}"
        shutil.copytree(target.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for change in changes:
            change.apply(folder)
        return Target(folder)

    return make
