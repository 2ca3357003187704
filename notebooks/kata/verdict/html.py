"""A verdict as a card for a notebook: the same words as in text, dressed in the colours of JupyterLab's theme.

Colours come from the theme's own variables, so that the card is readable in light and dark; the values behind them are
for pages without a theme, such as those of nbconvert. Nothing is said by a colour alone.
"""

from __future__ import annotations

import re
from html import escape

from kata.audit import Finding
from kata.verdict.model import Status, Verdict
from kata.verdict.text import MARKS, advice

_COLOURS = {
    Status.FIXED: "var(--jp-success-color1, #388e3c)",
    Status.UNTOUCHED: "var(--jp-info-color1, #0097a7)",
    Status.PRESENT: "var(--jp-error-color1, #d32f2f)",
    Status.BROKEN: "var(--jp-error-color1, #d32f2f)",
    Status.ERROR: "var(--jp-warn-color1, #f57c00)",
}
_CARD = (
    "border: 1px solid var(--jp-border-color2, #bdbdbd); border-left: 6px solid {colour}; padding: 6px 12px; "
    "margin: 4px 0; max-width: 60em; color: var(--jp-content-font-color1, inherit)"
)
_CODE = (
    "margin: 4px 0; padding: 4px 8px; white-space: pre-wrap; color: var(--jp-content-font-color1, inherit); "
    "background: var(--jp-layout-color1, transparent); border: 1px solid var(--jp-border-color2, #bdbdbd); "
    "font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px)"
)
_DIFFERENCE = re.compile(r"(?P<call>.*)\n  expected: (?P<expected>.*)\n  got:      (?P<got>.*)", re.DOTALL)


def card(verdict: Verdict, finding: Finding, target: str, footer: str = "") -> str:
    """A verdict as HTML: status, behaviour, what was seen, culprit, what to do next.

    Args:
        footer: A line to end with, such as how far the board is.
    """
    parts = [
        f"<div><strong>{MARKS[verdict.status]} {escape(finding.id)} {escape(finding.title)}</strong> "
        f"({escape(target)}): <strong>{verdict.status}</strong></div>",
        _behaviour(verdict),
        _seen(verdict.message),
    ]
    if verdict.culprit is not None and verdict.culprit.source not in verdict.message:
        culprit = verdict.culprit
        place = f"culprit: {escape(culprit.file)}:{culprit.line}, in {escape(culprit.function)}"
        parts.append(f"<div>{place}</div>{code(culprit.source)}")
    if verdict.status is not Status.FIXED:
        parts.append(f"<div><strong>next:</strong> {escape(advice(verdict, finding, target))}</div>")
    if footer:
        parts.append(f'<div style="color: var(--jp-content-font-color2, inherit)">{escape(footer)}</div>')
    label = f"finding {finding.id}: {verdict.status}"
    return framed("".join(filter(None, parts)), label=label, colour=_COLOURS[verdict.status])


def framed(html: str, *, label: str, colour: str = "var(--jp-border-color1, #9e9e9e)") -> str:
    """HTML in a card's frame.

    Args:
        html: What stands in it.
        label: What the card is, for those who cannot see it.
        colour: Of the frame's left side.
    """
    return (
        f'<div role="group" aria-label="{escape(label, quote=True)}" style="{_CARD.format(colour=colour)}">{html}</div>'
    )


def code(text: str) -> str:
    """Lines of code, or of anything else that has to keep its form."""
    return f'<pre style="{_CODE}">{escape(text)}</pre>'


def folded(summary: str, text: str, *, is_open: bool = False) -> str:
    """Lines under a heading that one clicks to see them. A unified diff gets its colours."""
    lines = "".join(f"{_dyed(line)}\n" for line in text.splitlines())
    return (
        f'<details{" open" if is_open else ""}><summary style="cursor: pointer">{escape(summary)}</summary>'
        f'<pre style="{_CODE}">{lines}</pre></details>'
    )


def _behaviour(verdict: Verdict) -> str:
    return f"<div>behaviour: {verdict.behaviour}</div>" if verdict.behaviour else ""


def _seen(message: str) -> str:
    difference = _DIFFERENCE.fullmatch(message)
    if difference:
        rows = "".join(
            f'<tr><th style="text-align: left; padding-right: 1em">{name}</th>'
            f'<td style="text-align: left"><code>{escape(said)}</code></td></tr>'
            for name, said in difference.groupdict().items()
        )
        return f"<table>{rows}</table>"
    if "\n" in message:
        return code(message)
    return f"<div>{escape(message)}</div>"


def _dyed(line: str) -> str:
    colour = {"+": "var(--jp-success-color1, #388e3c)", "-": "var(--jp-error-color1, #d32f2f)"}.get(line[:1])
    if line.startswith(("+++ ", "--- ")):
        colour = None
    return f'<span style="color: {colour}">{escape(line)}</span>' if colour else escape(line)
