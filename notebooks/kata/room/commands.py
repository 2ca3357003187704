"""The teacher's commands, which the command line takes in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kata.room.hub.command import hub

FITS, DOES_NOT_FIT, NOT_RUN = 0, 1, 3
"""Exit statuses of `kata plan`, where a wrong call is 2."""


@click.command()
@click.option("--minutes", type=click.IntRange(min=1), help="the longest plan that fits into so many, minute by minute")
@click.option("--start", metavar="HH:MM", help="when it begins, to have times of the day")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.option("--walk", "walked", is_flag=True, help="by the clock, lesson by lesson or, with --minutes, cell by cell")
@click.option("--record", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="walk with this run")
@click.option("--run", "file", type=click.Path(dir_okay=False, path_type=Path), help="run all lessons; keep it in FILE")
def plan(
    minutes: int | None, start: str | None, form: str, walked: bool, record: Path | None, file: Path | None
) -> None:
    """Plan a workshop: show all plans, or one minute by minute.

    Of all, it says whether they fit.

    The minutes of a lesson are the manifest's. A walk says whether they are enough: to read, at speeds that somebody
    has measured, and to run, as measured on one machine. --run measures on yours, and takes some minutes.

    Exit status: 0 it fits, 1 a plan or a lesson needs more than it has, 2 wrong call, 3 the lessons could not be run.
    """
    from kata.room.plan import command

    try:
        if file is not None:
            if minutes is not None or start is not None or walked or record is not None:
                raise click.UsageError("--run goes alone: walk with what it keeps by --walk --record FILE")
            command.measure(file, click.echo)
            return
        said = command.answer(minutes=minutes, start=start, form=form, walked=walked, record=record)
    except (command.WrongCall, command.BadRecord) as error:
        raise click.UsageError(str(error)) from None
    except (command.BadPlan, command.NoneFits) as error:
        click.echo(str(error), err=True)
        raise SystemExit(DOES_NOT_FIT) from None
    except (command.DidNotRun, command.NoLessons, OSError) as error:
        click.echo(f"could not run: {error}", err=True)
        raise SystemExit(NOT_RUN) from None
    click.echo(said.text)
    raise SystemExit(FITS if said.is_well else DOES_NOT_FIT)


@click.command()
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option(
    "--output",
    default="slides",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="the folder to write them into",
)
def slides(lessons: Sequence[str], output: Path) -> None:
    """Write slides of the lessons, such as 1.4, as HTML.

    Each lesson's are one file that needs no network. Without a LESSON, all are written.

    Exit status: 0 written, 1 something else is in the way, 2 wrong call.
    """
    from kata.room.slides import UnknownLesson, chosen, write_slides

    try:
        written = write_slides(chosen(lessons), output)
    except UnknownLesson as error:
        raise click.UsageError(error.args[0]) from None
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(map(str, written)))
    click.echo(f"open {written[-1]} in a browser: the arrow keys turn the slides, ? shows all keys")


NOT_MADE = 3
"""Exit status of `kata bundle` where the bundle could not be made."""


@click.command()
@click.option(
    "--platform",
    "platforms",
    type=click.Choice(["linux", "linux-arm", "macos", "macos-intel", "windows"]),
    multiple=True,
    help="a system that it shall be for; repeatable; all that have every wheel, if none is named",
)
@click.option(
    "--python",
    "pythons",
    type=click.Choice(["3.11", "3.12", "3.13"]),
    multiple=True,
    help="a Python that it shall be for; repeatable; all, if none is named",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="unblock-the-loop.zip",
    show_default=True,
    help="the archive, a .zip file",
)
@click.option("--replace", is_flag=True, help="put it in the place of a file that is there already")
def bundle(platforms: Sequence[str], pythons: Sequence[str], output: Path, replace: bool) -> None:
    """Make one archive with the course and all it needs.

    It is installed without a network: whoever gets it unpacks it and runs its install.py. Wheels are fetched from the
    registry that pip knows here.

    Exit status: 0 made, 2 wrong call, 3 it could not be made.
    """
    from kata.room.bundle.bundle import make
    from kata.room.bundle.errors import CannotBundle
    from kata.room.bundle.targets import targets

    if output.suffix != ".zip":
        raise click.UsageError(f"{output} has to end in .zip: that is what it is, and what every system can unpack")
    wanted = targets(platforms, pythons)
    try:
        made = make(
            wanted, output, replace=replace, strict=bool(platforms), tell=lambda line: click.echo(line, err=True)
        )
    except (CannotBundle, OSError) as error:
        click.echo(f"could not make a bundle: {error}", err=True)
        raise SystemExit(NOT_MADE) from None
    if made.changed:
        click.echo(f"packed as they stand, not as git's last commit has them: {', '.join(made.changed)}", err=True)
    click.echo(made)


@click.command()
@click.option("--ref", help="a branch, tag or commit; the branch that you are on, if none is named")
@click.option("--hub", default="https://mybinder.org", show_default=True, help="the address of a BinderHub")
def binder(ref: str | None, hub: str) -> None:
    """Print a badge that opens the course on Binder. It is Markdown, with the address of your clone's origin."""
    from kata.room.binder import NoPublicAddress, badge

    try:
        click.echo(badge(ref, hub))
    except NoPublicAddress as error:
        raise click.UsageError(str(error)) from None


CANNOT_SERVE = 3
"""Exit status of `kata board` where the page could not be started, or the board not deleted."""

NOT_ON_THE_BOARD = 1
"""Exit status of `kata join` and `kata leave` where the board said no, or could not be reached."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="the address to listen on; 0.0.0.0 for the room")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="the port; 0 for a free one"
)
@click.option("--address", default="", help="the name by which learners reach this machine, if not what is found")
@click.option("--counts", is_flag=True, help="tell the page numbers only, and no names")
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="speak TLS; PEM")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="the certificate's key; PEM")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="where to keep the board")
@click.option("--forget", metavar="NAME", help="take somebody off the board, and do nothing else")
@click.option("--delete", is_flag=True, help="end the board and delete all that it has kept, and do nothing else")
def board(file: Path | None, forget: str | None, delete: bool, **options: Any) -> None:
    """Show the room how far it is, on a page.

    Those who join by `kata join` see on it how their findings stand.

    It says what to open, and what to write on the whiteboard. Ctrl-C ends the page; started again, it goes on.

    Exit status: 0 ended, 2 wrong call, 3 it could not be started or deleted.
    """
    from kata.room.board import teacher
    from kata.room.board.serving import BadCertificate, CannotListen
    from kata.room.board.store import NotABoard

    file = file or teacher.FILE
    if delete and forget is not None:
        raise click.UsageError("pass --forget or --delete, not both")
    if options["key"] and not options["certificate"]:
        raise click.UsageError("--key goes with --certificate")
    try:
        if delete:
            teacher.delete(file)
            click.echo(f"deleted {file}: nothing is left of the board")
        elif forget is not None:
            teacher.forget(file, forget)
            click.echo(f"{forget} is off the board; its code still lets anybody join, under any name")
        else:
            teacher.start(teacher.Wanted(file, **options), click.echo)
    except (teacher.NoBoard, NotABoard, BadCertificate, CannotListen) as error:
        raise click.UsageError(str(error)) from None
    except (teacher.Running, OSError) as error:
        click.echo(f"no page: {error}", err=True)
        raise SystemExit(CANNOT_SERVE) from None


@click.command()
@click.argument("board", required=False, metavar="[CODE]")
@click.option("--name", help="what the room shall call you")
def join(board: str | None, name: str | None) -> None:
    """Show the room how your findings stand.

    CODE is what stands on the whiteboard, a code or an address with one.

    Your name and, for each finding that you judge, its id, the verdict's word and when: nothing else is sent, and
    nothing without this command. `kata leave` ends it.

    Exit status: 0 you are on the board, 1 the board says no or is not there, 2 wrong call.
    """
    import os
    import sys

    from kata import workspace
    from kata.room.board import membership, telling
    from kata.room.board.call import Refusal, Unreachable
    from kata.room.board.invitation import VARIABLE, BadInvitation, Invitation
    from kata.room.board.name import BadName, name_of

    is_asked = sys.stdin.isatty()
    try:
        invitation = Invitation.parse(board, os.environ.get(VARIABLE))
        if name is None and not is_asked:
            raise click.UsageError("say what the room shall call you: --name Ada")
        name = name_of(name or click.prompt("what shall the room call you"))
        folder = workspace.start().folder
        membership.may_join(folder)
        click.echo(membership.terms(invitation, name))
        while True:
            try:
                place = membership.join(folder, invitation, name)
                break
            except membership.NameTaken as error:
                if not is_asked:
                    raise click.UsageError(str(error)) from None
                click.echo(str(error))
                name = name_of(click.prompt("what shall the room call you", default=error.free))
    except (BadInvitation, BadName, membership.Joined) as error:
        raise click.UsageError(str(error)) from None
    except (Refusal, Unreachable) as error:
        click.echo(f"you are not on the board: {error}", err=True)
        raise SystemExit(NOT_ON_THE_BOARD) from None
    except OSError as error:
        raise click.ClickException(f"the workspace cannot be written: {error}") from None
    click.echo(str(place))
    try:
        if told := telling.tell(folder):
            click.echo(f"told it of {told} {'verdict' if told == 1 else 'verdicts'} that you have")
    except (Refusal, Unreachable, OSError) as error:
        click.echo(f"the verdicts that you have go with the next one: {error}", err=True)


@click.command()
def leave() -> None:
    """Leave the teacher's board, and have it forget you.

    It is told of none of your verdicts any more.

    Exit status: 0 forgotten, 1 the board could not be told and may still show your name, 2 you are on none.
    """
    from kata.room.board import membership
    from kata.room.board.call import Refusal, Unreachable
    from kata.target import workspace

    try:
        place = membership.leave(workspace())
    except membership.NotJoined as error:
        raise click.UsageError(str(error)) from None
    except (Refusal, Unreachable) as error:
        click.echo(f"nothing is sent any more, but the board has not forgotten you: {error}", err=True)
        click.echo("`kata leave` asks it once more; your teacher can take you off, and all goes when the board ends")
        raise SystemExit(NOT_ON_THE_BOARD) from None
    except OSError as error:
        raise click.ClickException(f"the workspace cannot be written: {error}") from None
    click.echo(f"the board at {place.url} has forgotten {place.name}, and nothing is sent any more")


COMMANDS: tuple[click.Command, ...] = (plan, slides, hub, bundle, binder, board, join, leave)
"""What the command line takes in."""
