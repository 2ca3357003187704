"""The teacher's commands, which the command line takes in."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
