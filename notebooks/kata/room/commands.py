"""The teacher's commands, which the command line takes in."""

from __future__ import annotations

from pathlib import Path

import click

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
    """Plan a workshop: which plans there are and whether they fit, or one of them minute by minute.

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


COMMANDS: tuple[click.Command, ...] = (plan,)
"""What the command line takes in."""
