"""`kata hub` and what belongs to it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kata.room.hub.settings import Room

STATE = "/var/lib/unblock-the-loop"


@click.group(invoke_without_command=True)
@click.option(
    "--state",
    default=STATE,
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="where the room keeps everything, outside this clone",
)
@click.option("--address", default="127.0.0.1", show_default=True, help="the address to listen on; 0.0.0.0 is all")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="for TLS, with --key")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="the certificate's key")
@click.option("--self-signed", is_flag=True, help="make a certificate; browsers warn, so show its fingerprint")
@click.option("--host", "hosts", multiple=True, help="a name or address by which people call this machine; repeatable")
@click.option("--memory", type=click.FloatRange(0.25), default=2.0, show_default=True, help="GiB for each learner")
@click.option("--cores", type=click.FloatRange(0.1), help="processors for each learner  [default: 2, or all]")
@click.option(
    "--cull", type=click.FloatRange(0.05), default=60.0, show_default=True, help="minutes until a server ends"
)
@click.option("--choose-class-password", is_flag=True, help="ask for the class password, and do not make one")
@click.option("--prefix", default="kata-", hidden=True, help="how the names of the learners' system users begin")
@click.pass_context
def hub(context: click.Context, state: Path, **options: Any) -> None:
    """Open a room on this machine, by JupyterHub.

    Each learner has a copy of the course.

    Needs root, Linux and node, and the packages of the group: `uv sync --group hub`. On another address than loopback
    it insists on TLS. notebooks/teaching/hub.md tells all, from an empty machine to its end.

    Exit status: 0 it was ended, 1 it could not be opened or has failed, 2 wrong call.
    """
    if context.invoked_subcommand == "needs":
        return
    _must_work_here()
    context.obj = state.absolute()
    if context.invoked_subcommand is None:
        with _told():
            raise SystemExit(_open(context.obj, **options))


@hub.command()
@click.argument("who")
@click.option("--choose", is_flag=True, help="ask for it, and do not make one")
@click.pass_obj
def password(state: Path, who: str, choose: bool) -> None:
    """Make a new password for WHO.

    That is a learner's name, `teacher`, or `class` for the one that all need the first time.
    """
    from kata.room.hub import passwords
    from kata.room.hub.accounts import Accounts
    from kata.room.hub.leaving import homes
    from kata.room.hub.names import TEACHER, name_of

    with _told():
        room = _known(state)
        accounts = Accounts(room.state.accounts)
        new = click.prompt("New password", hide_input=True, confirmation_prompt=True) if choose else None
        if who == "class":
            new = passwords.chosen_for_class(new) if new else passwords.made(3)
            accounts.set_class(new)
        else:
            who = name_of(who)
            if who != TEACHER and not accounts.has(who) and who not in homes(room.state):
                names = ", ".join(each for each in accounts.names() if each != TEACHER) or "nobody yet"
                raise click.UsageError(f"there is no {who} in this room: {names}")
            new = passwords.chosen(new, who) if new else passwords.made(5 if who == TEACHER else 3)
            accounts.set(who, new)
        click.echo(f"{who}: {'as you chose' if choose else new}")


@hub.command()
@click.pass_obj
def update(state: Path) -> None:
    """Bring the learners' copies to this clone's state. What a learner has changed stays as it is, and is named."""
    from kata.room.hub import course, entrance, learners
    from kata.room.hub.leaving import homes

    with _told():
        room = _known(state)
        course.made(room.state.course)
        for name in homes(room.state):
            done = entrance.renewed(room, learners.user(room, name))
            click.echo(f"{name}: {len(done['added'])} added, {len(done['replaced'])} replaced")
            for path in done["kept"]:
                click.echo(f"  stays as {name} has changed it: {path}")


@hub.command()
@click.argument("names", nargs=-1)
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="where the archive goes")
@click.option("--yes", is_flag=True, help="do not ask")
@click.pass_obj
def delete(state: Path, names: tuple[str, ...], keep: Path | None, yes: bool) -> None:
    """Delete the learners NAMES, or all and the room. What they have done is archived first."""
    from kata.room.hub import leaving, running
    from kata.room.hub.names import TEACHER, name_of

    with _told():
        room = _known(state)
        there = leaving.homes(room.state)
        wanted = [name_of(name) for name in names] or there
        if missing := [name for name in wanted if name not in there]:
            raise click.UsageError(f"nobody here has a copy and is called {missing[0]}: {', '.join(there) or 'nobody'}")
        what = ", ".join(wanted) if names else f"the room, and its {len([n for n in there if n != TEACHER])} learners"
        with running.alone(room.state):
            if not yes:
                click.confirm(f"Delete {what}? An archive of what they have done is made first.", abort=True)
            if wanted:
                folder = keep or state.with_name(f"{state.name}-kept")
                try:
                    click.echo(f"kept {leaving.archived(room, wanted, folder)}")
                except OSError as error:
                    raise click.ClickException(
                        f"the archive could not be written, and nothing was deleted: {error}; pass --keep"
                    ) from None
            if names:
                leaving.removed(room, wanted)
            else:
                leaving.ended(room)
        click.echo(f"deleted {what}")


@hub.command()
@click.argument("learners", type=click.IntRange(1, 1000), default=30)
def needs(learners: int) -> None:
    """Say what a room of so many LEARNERS needs. It is computed from rooms that were measured."""
    from kata.room.hub.needs import of

    click.echo(str(of(learners)))


def _open(state: Path, **options: Any) -> int:
    from kata.room.hub import certificate, passwords, running
    from kata.room.hub.accounts import Accounts

    room = _asked_for(state, **options)
    class_password = None
    if options["choose_class_password"]:
        asked = click.prompt("Class password", hide_input=True, confirmation_prompt=True)
        class_password = passwords.chosen_for_class(asked)
    room.state.make()
    with running.alone(room.state) as lock:
        if options["self_signed"]:
            hosts = certificate.hosts_of_this_machine(room.address, *options["hosts"])
            pair = certificate.self_signed(room.state.hub, hosts)
            room = replace(room, certificate=str(pair[0]), key=str(pair[1]))
        room = running.prepared(room, lambda line: click.echo(line, err=True))
        with running.opened(room, lock) as process:
            secrets = running.secrets(Accounts(room.state.accounts), class_password)
            for line in _welcome(room, secrets, options["hosts"]):
                click.echo(line)
            status = running.waited(process)
            if status == 0:
                click.echo("closing the room; what learners have done stays")
    if status:
        click.echo(f"JupyterHub has ended by itself, with status {status}: {room.state.log} says why", err=True)
    return 1 if status else 0


def _asked_for(state: Path, **options: Any) -> Room:
    """The room that the options describe, if it is a safe one."""
    from kata.audit import project_root
    from kata.room.hub import certificate
    from kata.room.hub.settings import Room, is_loopback

    if state.is_relative_to(project_root()):
        raise click.UsageError(f"--state {state} is inside this clone, which learners get copies of: pass another one")
    try:
        outside = not is_loopback(options["address"])
    except ValueError:
        raise click.UsageError("--address is an IP address of this machine, such as 0.0.0.0 for all") from None
    pair = options["certificate"], options["key"]
    if (pair[0] is None) != (pair[1] is None):
        raise click.UsageError("--certificate and --key go together: pass both")
    if pair[0] is not None and options["self_signed"]:
        raise click.UsageError("pass --certificate and --key, or --self-signed, but not both")
    if outside and pair[0] is None and not options["self_signed"]:
        raise click.UsageError(
            f"{options['address']} can be called from other machines, where passwords must not travel unencrypted: "
            "pass --certificate and --key, or --self-signed"
        )
    if pair[0] is not None:
        certificate.checked(*pair)
    cores = os.cpu_count() or 1
    return Room(
        folder=str(state),
        address=options["address"],
        port=options["port"],
        certificate=str(pair[0].absolute()) if pair[0] else None,
        key=str(pair[1].absolute()) if pair[1] else None,
        memory=round(options["memory"] * 2**30),
        cores=min(options["cores"] or 2, cores),
        cull=max(3, round(options["cull"] * 60)),
        prefix=options["prefix"],
    )


def _welcome(room: Room, secrets: Any, hosts: tuple[str, ...]) -> Iterator[str]:
    import psutil

    from kata.room.hub import certificate, limits

    yield f"the room is open: {room.url}"
    for host in certificate.hosts_of_this_machine(room.address, *hosts):
        if host in hosts or not certificate.is_of_this_machine_only(host):
            yield f"  for others: {room.url_of(host)}"
    if secrets.class_password:
        yield f"  class password: {secrets.class_password} (for everybody, the first time)"
    if secrets.teacher:
        yield f"  teacher: {secrets.teacher} (yours, under the name teacher; not for the projector)"
    if secrets.class_password or secrets.teacher:
        yield "  passwords are shown this once: `kata hub password class` or `… teacher` makes a new one"
    if room.certificate:
        yield f"  fingerprint of the certificate, SHA-256: {certificate.fingerprint(Path(room.certificate))}"
    kept = limits.keeper(psutil.virtual_memory().total).words
    yield f"  each learner: {room.memory / 2**30:g} GiB, {room.cores:g} processors, {room.processes} processes; {kept}"
    if not room.view:
        yield "  learners see of this machine what everybody may read on it: nobody can have a view of their own here"
    yield f"  everything is kept in {room.folder}; Ctrl-C closes the room"


def _known(state: Path) -> Room:
    """The room that keeps everything in a folder."""
    from kata.room.hub.settings import Room

    try:
        return Room.read(state)
    except FileNotFoundError:
        raise click.UsageError(f"no room has been opened yet that keeps everything in {state}: pass --state") from None


def _must_work_here() -> None:
    if sys.platform != "linux":
        raise click.ClickException(
            "a room needs Linux, for users, limits and views of their own: take a small server, or have everybody "
            "install the course with `uv sync`"
        )
    if os.geteuid() != 0:
        raise click.ClickException(
            "a room gives each learner a system user of their own, so that nobody can read what another writes, and "
            "only root can do that: `sudo uv run kata hub`. For yourself alone `uv run jupyter lab` is all you need"
        )
    try:
        import jupyterhub  # noqa: F401
        import jupyterhub_idle_culler  # noqa: F401
    except ImportError:
        raise click.ClickException("JupyterHub is not installed: `uv sync --group hub`, then try again") from None


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what can go wrong into words and an exit status."""
    from kata.room.hub.certificate import BadCertificate
    from kata.room.hub.entrance import CannotEnter
    from kata.room.hub.learners import NoUser
    from kata.room.hub.names import BadName
    from kata.room.hub.passwords import BadPassword
    from kata.room.hub.proxy import NoProxy
    from kata.room.hub.running import NotOpened

    try:
        yield
    except (BadName, BadPassword, BadCertificate) as error:
        raise click.UsageError(str(error)) from None
    except (CannotEnter, NoUser, NoProxy, NotOpened) as error:
        raise click.ClickException(str(error)) from None
