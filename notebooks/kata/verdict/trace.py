"""An exception, told with the learner's own frames only."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from kata.instruments.culprit import Culprit, Place, Scope


def trimmed(error: BaseException, folder: Path) -> str:
    """The traceback of an exception without the frames outside a package's folder, file names relative to it."""
    scope = Scope(folder)
    lines = [
        f"  {culprit.file}:{culprit.line}, in {culprit.function}\n    {culprit.source}"
        for culprit in _culprits(error.__traceback__, scope)
    ]
    told = traceback.TracebackException.from_exception(error)
    told.__notes__ = None  # LangGraph notes the id of its task there, another one each time
    said = "".join(told.format_exception_only()).strip()
    return "\n".join([*lines, said]).replace(f"{folder.parent}/", "")


def innermost(error: BaseException, folder: Path) -> Culprit | None:
    """The innermost of an exception's frames in a package's folder, or the line of its syntax error, or None."""
    scope = Scope(folder)
    if isinstance(error, SyntaxError) and error.filename and error.filename in scope:
        return scope.culprit(Place(str(error.filename), error.lineno or 1, "<module>"))
    return next(reversed(_culprits(error.__traceback__, scope)), None)


def root_of(error: BaseException) -> BaseException:
    """The exception that an exception was raised from, and that from, down to the first."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _culprits(trace: TracebackType | None, scope: Scope) -> list[Culprit]:
    return [
        scope.culprit(Place(frame.f_code.co_filename, line, frame.f_code.co_qualname))
        for frame, line in traceback.walk_tb(trace)
        if frame.f_code.co_filename in scope
    ]
