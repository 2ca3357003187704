"""Makes the guards beside the tests importable, and gives a copy of the project to tamper with."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from projects import copied


@pytest.fixture
def project(tmp_path):
    return copied(tmp_path)
