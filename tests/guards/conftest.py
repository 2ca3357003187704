"""Makes the modules beside the tests importable, and audits the two packages once for all of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from kata.audit import project_root
from kata.guards import Report, audit_code

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def audits() -> Mapping[str, Report]:
    """The audits of starter and solution, by ast-grep and ruff."""
    return {name: audit_code(project_root() / name) for name in ("starter", "solution")}
