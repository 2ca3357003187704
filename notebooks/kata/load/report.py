"""What a bench has measured, with all that is needed to read it: as a file, and as a table in text and in HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, Self

from kata.instruments.charts import Chart, ecg, growth
from kata.load.callers import CANARY_INTERVAL
from kata.load.figures import P50, P95, P99, Figures
from kata.load.machine import Machine
from kata.load.mix import BACKOFF, INTERVAL, LATENCY, MIXES, Interface
from kata.load.rhythm import Rhythm

VERSION = 2
"""Of the file's form."""

PARTS = ("rounds", "findings", "ladder", "slow_disk", "chat_page", "variants")
"""Names of what was measured, in the file as in the report."""


class BadReport(ValueError):
    """A file is no report of this course's bench; the message says what is wrong."""


@dataclass(frozen=True, repr=False)
class Report:
    """All figures of one bench.

    Attributes:
        machine: What it ran on.
        loop: The event loop of the services.
        workers: How many processes each had.
        slow: Seconds that each opening, making and removing of a file took longer.
        interface: Where the callers of the rounds came to.
        rounds: Round by round, service by service.
        findings: The solution, and the solution with one finding put back, for each of the nine; may be empty.
        ladder: From nine findings to none; may be empty.
        slow_disk: The solution and findings about files, where file operations are slow; may be empty.
        chat_page: The solution's chat page, and with the finding put back that is only there, where file operations are
            slow; may be empty.
        variants: The services on uvloop, and with two workers; may be empty.
    """

    machine: Machine
    loop: str
    workers: int
    slow: float
    interface: Interface
    rounds: Sequence[Figures]
    findings: Sequence[Figures] = ()
    ladder: Sequence[Figures] = ()
    slow_disk: Sequence[Figures] = ()
    chat_page: Sequence[Figures] = ()
    variants: Sequence[Figures] = ()

    def __repr__(self) -> str:
        return table(self)

    def _repr_html_(self) -> str:
        return html(self)

    @property
    def services(self) -> list[str]:
        """The names of what was measured round by round, in order."""
        return list(dict.fromkeys(figures.service for figures in self.rounds))

    def of(self, service: str) -> list[Figures]:
        """The rounds of one service."""
        return [figures for figures in self.rounds if figures.service == service]

    def with_callers(self, callers: int) -> dict[str, Figures]:
        """The round with so many callers, by service."""
        return {figures.service: figures for figures in self.rounds if figures.callers == callers}

    @property
    def chart(self) -> Chart:
        """How long 95 of 100 messages waited at most, over callers, on one scale with the limit.

        A ring is where there was no processor time left, for the service or for its callers.
        """
        return growth(
            {name: {each.callers: each.latency[P95] for each in self.of(name)} for name in self.services},
            {each.callers: each.limit[P95] for each in self.rounds},
            full={name: [each.callers for each in self.of(name) if _mark(each)] for name in self.services},
            title="How long one waits, the more callers there are",
        )

    def heartbeats(self, callers: int) -> Chart:
        """The loops of the services with so many callers, as their health checks felt them.

        Raises:
            LookupError: If there was no round with so many.
        """
        there = self.with_callers(callers)
        if not there:
            raise LookupError(f"there was no round with {callers} callers")
        beats = {name: Rhythm.of(figures.canary) for name, figures in there.items()}
        return ecg(beats, {}, title=f"{callers} callers: does the event loop answer a health check?")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": VERSION,
            "machine": self.machine.as_dict(),
            "settings": {
                "latency": dict(LATENCY),
                "backoff": BACKOFF,
                "interval": INTERVAL,
                "canary_interval": CANARY_INTERVAL,
                "mixes": {where: {kind.value: share for kind, share in mix.items()} for where, mix in MIXES.items()},
                "loop": self.loop,
                "workers": self.workers,
                "slow": self.slow,
                "interface": self.interface,
            },
            **{key: [figures.as_dict() for figures in getattr(self, key)] for key in PARTS},
        }

    def write(self, file: Path) -> None:
        """Keep it as JSON, with times to a tenth of a millisecond.

        Raises:
            OSError: If the file cannot be written.
        """
        file.write_text(json.dumps(_rounded(self.as_dict()), ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, text: str) -> Self:
        """A report from what `write` has written.

        Raises:
            BadReport: If it is none.
        """
        try:
            stored = json.loads(text)
            if stored["version"] != VERSION:
                raise BadReport(f"it has version {stored['version']}, not {VERSION}: make it anew with `kata bench`")
            settings = stored["settings"]
            return cls(
                Machine(**stored["machine"]),
                *(settings[key] for key in ("loop", "workers", "slow")),
                Interface(settings["interface"]),
                *(tuple(map(Figures.from_dict, stored[key])) for key in PARTS),
            )
        except BadReport:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise BadReport(f"it is no report of `kata bench`: {error!r}") from None


def recorded() -> Report:
    """The bench that the course's own figures come from: a full one, on two cores."""
    return Report.read(resources.files("kata.load").joinpath("recorded.json").read_text(encoding="utf-8"))


def table(report: Report) -> str:
    """All figures in lines for a terminal, and under them what they were measured on and how to read them."""
    parts = [_lines(report.rounds)]
    for name, title in _TITLES.items():
        if figures := getattr(report, name):
            parts.append(f"{title}\n{_lines(figures)}")
    return "\n\n".join([*parts, _legend(report)])


def html(report: Report) -> str:
    """The same for a notebook, in the colours of JupyterLab's theme; a row is never wrapped."""
    parts = [_table(report.rounds)]
    for name, title in _TITLES.items():
        if figures := getattr(report, name):
            parts.append(_table(figures, title))
    return f'{"".join(parts)}<div style="{_SMALL}">{"<br>".join(map(escape, _legend(report).splitlines()))}</div>'


_TITLES = {
    "findings": "the solution, and with one finding put back",
    "ladder": "from nine findings to none",
    "slow_disk": "the solution, and with one finding put back, on a slow disk",
    "chat_page": "on the chat page: the solution, and with one finding put back, on a slow disk",
    "variants": "on another loop, with more workers",
}

_COLUMNS: Mapping[str, Callable[[Figures], str]] = {
    "callers": lambda each: f"{each.callers}",
    "service": lambda each: each.service,
    "sent": lambda each: f"{each.sent}",
    "answered": lambda each: f"{each.answered}",
    "per s": lambda each: f"{each.per_second:.1f}",
    "p50": lambda each: f"{each.latency[P50]:.2f}",
    "p95": lambda each: f"{each.latency[P95]:.2f}",
    "p99": lambda each: f"{each.latency[P99]:.2f}",
    "limit": lambda each: f"{each.limit[P95]:.2f}",
    "×": lambda each: f"{each.times_the_limit:.2f}{_mark(each)}",
    "canary": lambda each: f"{each.worst_canary:.2f}",
    "conn": lambda each: f"{each.connections}",
    "peak": lambda each: f"{each.peak_in_flight}",
    "MB": lambda each: f"{each.taken.memory / 2**20:.0f}",
    "thr": lambda each: f"{each.taken.threads}",
    "cpu": lambda each: f"{each.share_of_processor:.0%}",
}


_SMALL = "margin: 0 0 1em; color: var(--jp-content-font-color1, inherit); font-size: var(--jp-ui-font-size1, 13px)"
_CELL = "padding: 1px 6px; white-space: nowrap; text-align: {}"
_CAPTION = "text-align: left; font-weight: bold; white-space: nowrap; color: inherit"


def _rows(figures: Sequence[Figures]) -> list[tuple[str, ...]]:
    return [tuple(_COLUMNS), *(tuple(shown(each) for shown in _COLUMNS.values()) for each in figures)]


def _table(figures: Sequence[Figures], title: str = "") -> str:
    head, *rows = _rows(figures)
    caption = f'<caption style="{_CAPTION}">{escape(title)}</caption>' if title else ""
    body = "".join(f"<tr>{_cells(row, 'td')}</tr>" for row in rows)
    table = f"{caption}<thead><tr>{_cells(head, 'th')}</tr></thead><tbody>{body}</tbody>"
    return f'<div style="overflow-x: auto"><table style="{_SMALL}">{table}</table></div>'


def _cells(row: Sequence[str], tag: str) -> str:
    sides = ("left" if column == "service" else "right" for column in _COLUMNS)
    return "".join(
        f'<{tag} style="{_CELL.format(side)}">{escape(cell)}</{tag}>' for cell, side in zip(row, sides, strict=True)
    )


def _lines(figures: Sequence[Figures]) -> str:
    rows = _rows(figures)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(_aligned, row, widths, _COLUMNS)).rstrip() for row in rows)


def _aligned(cell: str, width: int, column: str) -> str:
    return cell.ljust(width) if column == "service" else cell.rjust(width)


def _mark(figures: Figures) -> str:
    return ("*" if figures.is_processor_full else "") + ("?" if figures.is_disturbed else "")


def _legend(report: Report) -> str:
    figures = [each for name in PARTS for each in getattr(report, name)]
    slow = f", each file operation {report.slow * 1000:g} ms slower" if report.slow else ""
    workers = f"{report.workers} worker{'s' if report.workers != 1 else ''}"
    server = f"uvicorn with {report.loop}, {workers}" if report.interface is Interface.WHATSAPP else "Chainlit's page"
    lines = [
        f"measured on {report.machine}",
        f"{server}{slow}; a caller sends a message every {INTERVAL:g} s on average",
        "p50, p95, p99: seconds from when a message was due to its answer, or to the end if there was none",
        "limit: p95 of what the providers' latency alone allows; ×: p95 in multiples of that",
        "canary: the longest wait of a health check, in seconds; cpu: how busy the service kept a processor",
        "conn, peak: connections that the service opened to its providers, and its calls in flight at most",
        f"others kept the machine's processors busy for {max(each.taken.others for each in figures):.0%} at most; "
        f"the callers were late by {max(each.late for each in figures):.3f} s at most",
    ]
    if any(each.is_processor_full for each in figures):
        lines.append("*: here the processor is the limit, and not the providers")
    if any(each.is_disturbed for each in figures):
        lines.append("?: something else had the processors, so that the callers themselves were late: measure again")
    for each in figures:
        if (lost := each.answered - each.replies) > 0:
            lines.append(
                f"{each.service}, {each.callers} callers: {lost} of the answered got another reply than was due"
            )
    return "\n".join(lines)


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 4)
        case Mapping():
            return {key: _rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [_rounded(each) for each in value]
        case _:
            return value
