"""The command line: `kata start`, `kata check`, `kata hint`, `kata diff`, `kata transcribe`, `kata offline`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from kata.audit import Finding, UnknownFinding, audit
from kata.target import UnknownTarget, folder_of
from kata.verdict.judge import judge
from kata.verdict.model import Status, Verdict
from kata.verdict.text import render

FIXED, NOT_FIXED, WRONG_CALL, NOT_JUDGED = 0, 1, 2, 3
"""Exit statuses of `kata check`."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="unblock-the-loop")
def main() -> None:
    """Unblock the Loop: a course on refactoring async Python."""


@main.command()
def start() -> None:
    """Make workspace/ from starter/: your own copy, to be edited."""
    from kata.workspace import start as make

    folder, is_new = make()
    click.echo(f"made {folder}" if is_new else f"{folder} is there already, nothing was changed")


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--target", default="workspace", show_default=True, help="workspace, starter, solution or a path")
@click.option("--json", "as_json", is_flag=True, help="print the verdicts as JSON")
def check(ids: Sequence[str], target: str, as_json: bool) -> None:
    """Judge findings, such as 1.4; without an ID, all that can be judged.

    Exit status: 0 all are fixed, 1 one is not, 2 wrong call, 3 one could not be judged.
    """
    findings = _findings(ids)
    try:
        folder = folder_of(target)
    except UnknownTarget as error:
        raise click.UsageError(str(error)) from None
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        verdicts = list(pool.map(lambda finding: judge(finding, folder), findings))
    if as_json:
        table = {"target": target, "findings": [verdict.as_dict() for verdict in verdicts]}
        click.echo(json.dumps(table, indent=2, ensure_ascii=False))
    else:
        for verdict, finding in zip(verdicts, findings, strict=True):
            click.echo(render(verdict, finding, target))
    raise SystemExit(_exit_status(verdicts))


@main.command()
@click.argument("id")
@click.argument("number", type=click.IntRange(min=1), default=1)
def hint(id: str, number: int) -> None:
    """Give a hint for a finding, from a nudge (1) to nearly the answer."""
    from kata.lesson import hint as say

    _finding(id)
    try:
        click.echo(say(id, number))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@main.command()
@click.argument("id")
def diff(id: str) -> None:
    """Show what the solution changed for a finding, from starter to solution."""
    from kata.gallery import galleries
    from kata.lesson import diff as compare

    finding = _finding(id)
    if id not in galleries():
        raise click.UsageError(f"finding {id} has no diff yet: those that have one are {', '.join(galleries())}")
    click.echo(compare(finding.id))


@main.command()
@click.argument("audio", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--package", default="solution", show_default=True, help="workspace, starter, solution or a path")
def transcribe(audio: Path, package: str) -> None:
    """Turn a voice note into text: by Groq if GROQ_API_KEY is set, by the stand-in if not."""
    from kata.lesson import listen

    try:
        folder = folder_of(package)
    except UnknownTarget as error:
        raise click.UsageError(str(error)) from None
    text, service = asyncio.run(listen(folder, audio.read_bytes(), audio.suffix.lstrip(".")))
    click.echo(f"({service}) {text}")


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def offline(command: Sequence[str]) -> None:
    """Run COMMAND with stand-ins in the place of the providers, so that it needs neither network nor keys."""
    from kata.offline import run

    try:
        raise SystemExit(run(command))
    except OSError as error:
        raise click.UsageError(f"{command[0]} cannot be started: {error}") from None


def _findings(ids: Sequence[str]) -> list[Finding]:
    findings = [_finding(id) for id in ids] or list(audit().judged)
    for finding in findings:
        if finding.tests is None:
            judged = ", ".join(each.id for each in audit().judged)
            raise click.UsageError(f"finding {finding.id} cannot be judged yet: those that can are {judged}")
    return findings


def _finding(id: str) -> Finding:
    try:
        return audit().finding(id)
    except UnknownFinding as error:
        raise click.UsageError(error.args[0]) from None


def _exit_status(verdicts: Sequence[Verdict]) -> int:
    statuses = {verdict.status for verdict in verdicts}
    if Status.ERROR in statuses:
        return NOT_JUDGED
    return FIXED if statuses <= {Status.FIXED} else NOT_FIXED
