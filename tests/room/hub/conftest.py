"""Makes what the tests of the hub are arranged with importable, and keeps passwords cheap where there is no hub."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest

from kata.room.hub import passwords

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # as the room is


@pytest.fixture
def cheap(monkeypatch):
    """Hashes that cost nothing."""
    monkeypatch.setitem(passwords._COST, "n", 2)
