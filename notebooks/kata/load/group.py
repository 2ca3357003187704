"""Several things at once, of which the first that fails ends the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def at_once(*works: Coroutine[Any, Any, T]) -> list[T]:
    """Do several things at once. The first that fails ends the others, and its error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except ExceptionGroup as several:
        raise first_of(several) from None
    return [task.result() for task in tasks]


def first_of(several: ExceptionGroup) -> Exception:
    """The first of several errors that is no group itself."""
    error = several.exceptions[0]
    return first_of(error) if isinstance(error, ExceptionGroup) else error
