"""What `kata watch` shows of a finding that is not on the board yet."""

from __future__ import annotations

from rich.console import Console

from kata.audit import audit
from kata.target import WORKSPACE_VARIABLE
from kata.watch.screen import View, draw
from kata.workspace.progress import board


def test_a_finding_beyond_the_report_is_shown_although_the_board_does_not_have_it(monkeypatch, tmp_path):
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    console, (picture, _) = Console(record=True, width=120), audit().beyond
    draw(console, View(board(), picture))
    shown = console.export_text()
    assert f"6.1 {picture.title}: edit workspace/{picture.where[0]} and save" in shown
    assert "→" not in shown
