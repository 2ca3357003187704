"""The command line, `kata`: each command asks a room of the course, and says in words what it answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kata.audit import PRIORITIES, Finding, UnknownFinding, audit
from kata.room.commands import COMMANDS
from kata.target import UnknownTarget, folder_of
from kata.verdict.model import Status, Verdict
from kata.verdict.text import render

if TYPE_CHECKING:
    from kata.workspace import Reset, Undone

FIXED, NOT_FIXED, WRONG_CALL, NOT_JUDGED = 0, 1, 2, 3
"""Exit statuses of `kata check`."""

CLEAN, FOUND, NOT_AUDITED = 0, 1, 3
"""Exit statuses of `kata audit`, where a wrong call is 2 as well."""

NOT_MEASURED = 3
"""Exit status of `kata bench` and `kata soak` where a service could not be measured."""

CLAIM_BROKEN = 1
"""Exit status of `kata soak` where a service did not keep to a claim."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="unblock-the-loop")
def main() -> None:
    """Unblock the Loop: a course on refactoring async Python."""


for command in COMMANDS:
    main.add_command(command)


@main.command()
@click.option("--missing", is_flag=True, help="add the starter's files that your workspace lacks; change no other")
def start(missing: bool) -> None:
    """Make workspace/ from starter/: your own copy, to be edited. Never over anything."""
    from kata import workspace

    with _told():
        made = workspace.start()
        added = workspace.add_missing() if missing else ()
    if made.is_new:
        click.echo(f"made {made.folder}")
    elif added:
        click.echo(f"{made.folder} is there already, added {', '.join(added)}")
    else:
        click.echo(f"{made.folder} is there already, nothing was changed")
    if made.missing and not missing:
        click.echo(f"it lacks {', '.join(made.missing)}: if you did not mean that, `kata start --missing` adds them")


@main.command()
@click.argument("id", required=False)
@click.option("--list", "listed", is_flag=True, help="show the copies that were kept")
@click.option(
    "--undo", metavar="[COPY]", is_flag=False, flag_value="last", help="bring a copy back, the last one or that number"
)
def reset(id: str | None, listed: bool, undo: str | None) -> None:
    """Put back the starter's code of one finding, such as 1.4. The rest of your work stays.

    A dated copy of each file is kept before it changes, and every copy can be brought back.
    """
    from kata import workspace

    if sum((id is not None, listed, undo is not None)) != 1:
        raise click.UsageError("pass one of a finding's ID, --list or --undo, such as `kata reset 1.4`")
    with _told():
        if listed:
            kept = workspace.copies(folder_of("workspace"))
            click.echo("\n".join(map(str, kept)) or "no copy has been kept yet: `kata reset ID` keeps one")
        elif undo is not None:
            click.echo(_undone(workspace.undo(undo)))
        else:
            click.echo(_put_back(workspace.reset(_finding(str(id)).id), str(id)))


def _put_back(done: Reset, id: str) -> str:
    if not done.put_back:
        return f"nothing to put back: the code of {id} is that of the starter"
    lines = ["put back:", *(f"  {part}" for part in done.put_back)]
    if done.others:
        lines.append(f"the same code is that of {', '.join(done.others)}, so these begin anew as well")
    if done.copy:
        lines.append(f"your version is kept as copy {done.copy.number}: `kata reset --undo` brings it back")
    return "\n".join(lines)


def _undone(done: Undone) -> str:
    if not done.paths:
        return f"nothing to bring back: copy {done.copy.number} is what stands there"
    lines = [f"brought back from copy {done.copy.number}: {', '.join(done.paths)}"]
    if done.kept:
        lines.append(f"what stood there is kept as copy {done.kept.number}")
    return "\n".join(lines)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="print what was found as JSON")
def doctor(as_json: bool) -> None:
    """Look at everything the course needs, a line for each thing.

    A line says OK, WARN or FAIL, and what to do.

    Exit status: 0 nothing fails, 1 something does.
    """
    from kata.doctor import everything, is_ready

    lines = everything()
    ready = is_ready(lines)
    if as_json:
        click.echo(json.dumps({"ready": ready, "checks": [line.as_dict() for line in lines]}, indent=2))
    else:
        click.echo("\n".join(map(str, lines)))
    raise SystemExit(0 if ready else 1)


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--target", default="workspace", show_default=True, help="workspace, starter, solution or a path")
@click.option("--json", "as_json", is_flag=True, help="print the verdicts as JSON")
def check(ids: Sequence[str], target: str, as_json: bool) -> None:
    """Judge findings, such as 1.4; without an ID, all of them.

    Exit status: 0 all are fixed, 1 one is not, 2 wrong call, 3 one could not be judged.
    """
    from kata.workspace.progress import board, judged

    findings = _findings(ids)
    try:
        folder = folder_of(target)
    except UnknownTarget as error:
        raise click.UsageError(str(error)) from None
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        verdicts = list(pool.map(lambda finding: judged(finding, folder), findings))
    if as_json:
        table = {"target": target, "findings": [verdict.as_dict() for verdict in verdicts]}
        click.echo(json.dumps(table, indent=2, ensure_ascii=False))
    else:
        for verdict, finding in zip(verdicts, findings, strict=True):
            click.echo(render(verdict, finding, target))
        if target == "workspace":
            click.echo(f"board: {board().summary}")
    raise SystemExit(_exit_status(verdicts))


@main.command()
@click.argument("id")
@click.argument("number", type=click.IntRange(min=1), default=1)
def hint(id: str, number: int) -> None:
    """Give a hint for a finding. NUMBER 1 is a nudge, the last one is nearly the answer."""
    from kata.lesson import hint as say

    _finding(id)
    try:
        click.echo(say(id, number))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@main.command()
@click.argument("id")
@click.option("--solution", is_flag=True, help="show the solution, whether the finding is fixed or not")
def diff(id: str, solution: bool) -> None:
    """Show what you have changed for a finding.

    Once it is fixed, or with --solution, it shows what the solution changed as well.
    """
    from kata.workspace import diffs
    from kata.workspace.progress import standing

    finding = _finding(id)
    mine = diffs.work_on(finding)
    _show_diff("you, from starter to workspace", mine or "nothing yet")
    if not solution and not standing(finding).is_fixed:
        click.echo(f"the solution is shown when {id} is fixed, or now: `kata diff {id} --solution`")
        return
    _show_diff(f"the solution of {id} and nothing else, from starter to solution", diffs.solution_of(finding))
    if mine:
        left = diffs.left_to_the_solution(finding, at_once=solution)
        _show_diff(f"from your workspace to the solution, in the code of {id}", left)


def _show_diff(title: str, diff: str) -> None:
    """A unified diff, in colours where the output is a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(title, style="bold", soft_wrap=True)
    for line in diff.splitlines():
        style = "" if line.startswith(("+++", "---")) else {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        console.print(Text(line, style), soft_wrap=True)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="print the board as JSON")
def progress(as_json: bool) -> None:
    """Show the board: how each finding stands in your workspace. It tells the minutes left, too."""
    from kata.workspace.progress import board, place_on_the_board

    now = board()
    click.echo(json.dumps(now.as_dict(), indent=2, ensure_ascii=False) if as_json else str(now))
    if not as_json and (place := place_on_the_board()):
        click.echo(place)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="print them as JSON")
def predictions(as_json: bool) -> None:
    """Show what you expected in the lessons, and what was measured.

    What you put down, and what your machine then measured, is sent nowhere.
    """
    from kata.prediction.account import account

    told = account()
    click.echo(json.dumps(told.as_dict(), indent=2, ensure_ascii=False) if as_json else str(told))


@main.command()
@click.argument("id", required=False)
def watch(id: str | None) -> None:
    """Judge what you save, as you save it.

    Shows the board, the verdict and the last change, with keys for hint and diff. Begins with finding ID, or with the
    first that is not fixed.
    """
    from rich.console import Console

    from kata import workspace
    from kata.watch import watch as follow

    first = _findings([id])[0] if id else None
    if not sys.stdin.isatty():
        raise click.UsageError("it answers to keys, and so needs a terminal: without one, use `kata check`")
    with _told():
        folder = workspace.start().folder
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(folder, Console(highlight=False), first))


@main.command()
@click.argument("audio", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--package", default="solution", show_default=True, help="workspace, starter, solution or a path")
def transcribe(audio: Path, package: str) -> None:
    """Turn a voice note into text. Groq does it if GROQ_API_KEY is set, the stand-in if not."""
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
    """Run COMMAND with stand-ins in the providers' place. So it needs neither network nor keys."""
    from kata.offline import run

    try:
        raise SystemExit(run(command))
    except OSError as error:
        raise click.UsageError(f"{command[0]} cannot be started: {error}") from None


@main.command()
@click.option("--quick", is_flag=True, help="three rounds, in less than a minute")
@click.option("--callers", metavar="N[,N]...", help="how many callers there are, round by round, such as 1,20,50")
@click.option("--package", "packages", multiple=True, help="workspace, starter, solution or a path; repeatable")
@click.option(
    "--complete", is_flag=True, help="also each finding alone, nine to none, the chat page, uvloop, two workers"
)
@click.option("--uvloop", is_flag=True, help="serve on uvloop instead of asyncio's own loop")
@click.option("--workers", type=click.IntRange(1, 8), default=1, show_default=True, help="processes of each service")
@click.option("--chat-page", is_flag=True, help="the chat page instead of the WhatsApp service")
@click.option("--slow-disk", type=click.FloatRange(0, 1000), default=0.0, metavar="MS", help="delay file operations")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="keep all figures in this file")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="draw twenty callers' loops, as PNG")
def bench(packages: Sequence[str], **options: Any) -> None:
    """Put the service under load; tell what callers see.

    Without --package, it is the starter's and the solution's WhatsApp service, side by side. Only loopback is used:
    uvicorn, stand-ins with the providers' latency, and callers who send a message every few seconds.

    Exit status: 0 measured, 2 wrong call, 3 a service could not be measured.
    """
    from kata.load import command

    _measured(command, packages, options)


@main.command()
@click.option(
    "--seconds", type=click.FloatRange(1, 86_400), default=600.0, show_default=True, help="how long there is trouble"
)
@click.option("--package", "packages", multiple=True, help="workspace, starter, solution or a path; repeatable")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="keep everything in this file")
def soak(packages: Sequence[str], **options: Any) -> None:
    """Give the WhatsApp service trouble, and tell what is lost.

    It tells what is answered twice or left over as well. 30 seconds of trouble take about two minutes in all.

    Providers answer 429, drop connections, are slow, silent or down; callers hang up; the service is restarted under
    load. Without --package, the solution is held to its claims, and the starter runs beside it for comparison.

    Exit status: 0 all claims hold, 1 one does not, 2 wrong call, 3 a service could not be measured.
    """
    from kata.load.soak import command

    raise SystemExit(0 if _measured(command, packages, options) else CLAIM_BROKEN)


def _measured(command: Any, packages: Sequence[str], options: Mapping[str, Any]) -> Any:
    """What the bench's or the soak's command comes to."""
    try:
        wanted = command.understood({name: folder_of(name) for name in packages}, **options)
        return asyncio.run(command.run(wanted, lambda line: click.echo(line, err=True), click.echo))
    except (UnknownTarget, command.WrongCall) as error:
        raise click.UsageError(str(error)) from None
    except command.BenchFailed as error:
        click.echo(f"could not measure: {error}", err=True)
        raise SystemExit(NOT_MEASURED) from None


@main.command("audit")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json", "sarif", "github"]), default="text")
@click.option("--baseline", type=click.Path(path_type=Path), help="issues in this file are old: they do not fail")
@click.option("--write-baseline", type=click.Path(path_type=Path), help="keep what is found now as old, in this file")
@click.option("--fail-on", type=click.Choice([*PRIORITIES, "never"]), default="low", help="this and what is above it")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="leave out files, such as 'tests/*'; repeatable")
@click.option("--thorough", is_flag=True, help="ask flake8-async too: a second for about 1200 lines")
@click.option("--run", metavar="COMMAND", help="watch these tests by the pulse too, such as 'pytest -q tests'")
def audit_path(
    paths: Sequence[Path],
    form: str,
    baseline: Path | None,
    write_baseline: Path | None,
    fail_on: str,
    exclude: Sequence[str],
    thorough: bool,
    run: str | None,
) -> None:
    """Audit the async code of any project.

    It reads the Python files PATH, and those below the folders PATH. A line may be allowed by a comment:
    # kata: allow RULE because REASON.

    Exit status: 0 clean, 1 issues found, 2 wrong call, 3 it, or one of the files, could not be audited.
    """
    from kata.guards import EngineFailed, audit_code
    from kata.guards.baseline import BadBaseline, write
    from kata.guards.report import FORMATS

    if run is not None and (len(paths) > 1 or not paths[0].is_dir()):
        raise click.UsageError("--run watches the code of one folder: pass the package's folder, and nothing else")
    try:
        report = audit_code(*paths, exclude=exclude, thorough=thorough, run=run)
        if not report.files:
            raise click.UsageError(f"no Python file is below {paths[0]}: pass a package's folder, or a file")
        if baseline is not None:
            report = report.compared_with(baseline)
        if write_baseline is not None:
            kept = write(write_baseline, report.issues)  # the old ones too
            click.echo(
                f"kept {kept} issues in {write_baseline}: commit it, and pass --baseline {write_baseline}", err=True
            )
    except EngineFailed as error:
        click.echo(f"could not audit: {error}", err=True)
        raise SystemExit(NOT_AUDITED) from None
    except BadBaseline as error:
        raise click.UsageError(str(error)) from None
    click.echo(FORMATS[form](report))
    if report.unread:
        raise SystemExit(NOT_AUDITED)
    fails = write_baseline is None and fail_on != "never" and report.at_least(fail_on)
    raise SystemExit(FOUND if fails else CLEAN)


def _findings(ids: Sequence[str]) -> list[Finding]:
    return [_finding(id) for id in ids] or list(audit().findings)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what can go wrong with the workspace into words and an exit status."""
    from kata.workspace import NoSuchCopy, NothingToReset

    try:
        yield
    except (UnknownTarget, NothingToReset, NoSuchCopy) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"the workspace cannot be written: {error}") from None


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
