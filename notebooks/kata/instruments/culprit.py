"""Whose line it is: from a stack of frames to the line of the code under test."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import NamedTuple

_PATHS = sysconfig.get_paths()
_STDLIB = (_PATHS["stdlib"] + os.sep, _PATHS["platstdlib"] + os.sep, "<frozen ")
_SITE_PACKAGES = (_PATHS["purelib"] + os.sep, _PATHS["platlib"] + os.sep)
_KATA = str(Path(__file__).resolve().parents[1]) + os.sep
_OBSERVERS = tuple(
    os.path.join(*path)
    for path in (
        ("kata", "instruments", "culprit.py"),
        ("kata", "instruments", "disk.py"),
        ("kata", "instruments", "lookout.py"),
        ("kata", "instruments", "pulse.py"),
        ("kata", "instruments", "recorder.py"),
        ("blockbuster", "blockbuster.py"),
    )
)

CELL = "this cell"
"""What a culprit's file is called when the code stands in a notebook cell."""

_ONCE_PER_PROCESS = (
    "<frozen importlib",
    os.path.join("importlib", "metadata") + os.sep,
    os.sep + "mimetypes.py",
    os.sep + "linecache.py",
    os.sep + "inspect.py",
    os.sep + "platform.py",
    os.sep + "distro.py",
    os.path.join("logging", "__init__.py"),
    os.sep + "warnings.py",
)
"""Code that touches the disk on behalf of correct callers: imports, tables read on first use, log handlers.

A frame of one of these between the operation and the code under test acquits it. The list holds the false alarms
met when correct functions of real libraries were watched: the first multipart upload, an import inside a coroutine,
the first request of an SDK that describes its platform, a log file.
"""


@dataclass(frozen=True)
class Culprit:
    """The innermost line of the code under test at the moment the event loop stood still.

    Attributes:
        file: Path relative to the folder that holds the package, with forward slashes, or `CELL`.
        line: Line number, counted from 1.
        function: Qualified name, such as ``SpeechToText.transcribe``.
        source: The source line, stripped, or an empty string where it cannot be read.
    """

    file: str
    line: int
    function: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}, in {self.function}: {self.source}"

    def as_dict(self) -> dict[str, str | int]:
        """The same as a plain dictionary, for JSON."""
        return asdict(self)


class Place(NamedTuple):
    """Where a frame stood when it was seen: cheap to take, on the loop's own thread."""

    filename: str
    line: int
    function: str

    @classmethod
    def of(cls, frame: FrameType) -> Place:
        return cls(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)


class Scope:
    """The code under test: a package, or everything that is neither a library nor this course.

    Args:
        package: An imported package, or the path of its folder; None means the caller's own code, notebook
            cells included.

    Raises:
        ValueError: If `package` is a module without a folder.
    """

    def __init__(self, package: ModuleType | Path | str | None = None) -> None:
        self.root: Path | None = None
        if isinstance(package, ModuleType):
            if not getattr(package, "__path__", None):
                raise ValueError(f"{package.__name__!r} is not a package: pass the package whose code is watched")
            self.root = Path(next(iter(package.__path__))).resolve()
        elif package is not None:
            self.root = Path(package).resolve()
        self._prefix = None if self.root is None else str(self.root) + os.sep
        self._known: dict[str, bool] = {}

    def __contains__(self, filename: str) -> bool:
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._judge(filename)
        return known

    def _judge(self, filename: str) -> bool:
        if self._prefix is not None:
            return os.path.realpath(filename).startswith(self._prefix)
        return not filename.startswith((*_STDLIB, *_SITE_PACKAGES, _KATA)) and (
            is_cell(filename) or not filename.startswith("<")
        )

    def innermost(self, frame: FrameType | None) -> FrameType | None:
        """The frame of the code under test that is nearest to `frame`, or None."""
        return next((f for f in frames_from(frame) if f.f_code.co_filename in self), None)

    def outermost(self, frame: FrameType | None) -> FrameType | None:
        """The frame of the code under test from which everything nearer to `frame` was called, or None."""
        return next((f for f in reversed(list(frames_from(frame))) if f.f_code.co_filename in self), None)

    def answerable(self, frame: FrameType | None, *, directly: bool) -> FrameType | None:
        """The frame of the code under test that answers for an operation done in `frame`, or None.

        Args:
            frame: Where the operation happens.
            directly: Only the standard library may stand between the two, so that what a third-party library
                does for itself is not laid at its caller's door.
        """
        for each in frames_from(frame):
            filename = each.f_code.co_filename
            if filename in self:
                return each
            if filename.startswith(_KATA) or any(part in filename for part in _ONCE_PER_PROCESS):
                return None
            if directly and not _is_stdlib(filename):
                return None
        return None

    def culprit(self, place: Place) -> Culprit:
        """Describe a place in the code under test; this reads its source file."""
        return Culprit(
            file=self._name(place.filename),
            line=place.line,
            function=place.function.replace("<locals>.", ""),
            source=linecache.getline(place.filename, place.line).strip(),
        )

    def _name(self, filename: str) -> str:
        if is_cell(filename):
            return CELL
        path = Path(os.path.realpath(filename))
        if self.root is not None:
            return path.relative_to(self.root.parent).as_posix()
        try:
            return path.relative_to(Path.cwd()).as_posix()
        except ValueError:
            return path.name


def frames_from(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a stack, innermost first, from the operation on: without the observers that watch it."""
    while frame is not None and frame.f_code.co_filename.endswith(_OBSERVERS):
        frame = frame.f_back
    while frame is not None:
        yield frame
        frame = frame.f_back


def stack_of(thread: int) -> FrameType | None:
    """The innermost frame that another thread executes right now, or None if it has ended."""
    return sys._current_frames().get(thread)


def is_cell(filename: str) -> bool:
    """Whether a code object's file name is one that IPython gives to a notebook cell."""
    return "ipykernel_" in filename or filename.startswith("<ipython-input")


def _is_stdlib(filename: str) -> bool:
    return filename.startswith(_STDLIB) and not filename.startswith(_SITE_PACKAGES)
