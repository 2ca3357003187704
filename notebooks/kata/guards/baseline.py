"""What was there before: a file of old issues, which fail no build, so that new ones do.

An issue is recognised by its rule, its file, the function around it and its line of code, not by its line's number.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kata.guards.issue import Issue

VERSION = 1

Fingerprint = tuple[str, str, str, str]
"""Rule, file relative to the baseline's folder, qualified name, line of code with single spaces."""


class BadBaseline(ValueError):
    """A file that is no baseline, or cannot become one."""


def fingerprint(issue: Issue, folder: Path) -> Fingerprint:
    """By what an issue is recognised when lines have moved."""
    return (issue.rule.id, _relative(issue.path, folder), issue.qualname, " ".join(issue.source.split()))


def read(file: Path) -> Counter[Fingerprint]:
    """The old issues, and how often each is there.

    Raises:
        BadBaseline: If the file is none, or is not there.
    """
    advice = f"write one with --write-baseline {file}"
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        if table["version"] != VERSION:
            raise BadBaseline(f"{file} is a baseline of version {table['version']}, not {VERSION}: {advice}")
        return Counter({_entry(issue): int(issue["count"]) for issue in table["issues"]})
    except FileNotFoundError:
        raise BadBaseline(f"there is no baseline {file}: {advice}") from None
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, BadBaseline):
            raise
        raise BadBaseline(f"{file} is no baseline ({error!r}): {advice}") from None


def write(file: Path, issues: Iterable[Issue]) -> int:
    """Keep issues as old ones; gives how many.

    Raises:
        BadBaseline: If the file cannot be written.
    """
    folder = file.absolute().parent
    counts = Counter(fingerprint(issue, folder) for issue in issues)
    keys = ("rule", "path", "qualname", "source")
    entries = [{**dict(zip(keys, print, strict=True)), "count": counts[print]} for print in sorted(counts)]
    table = {"version": VERSION, "issues": entries}
    try:
        file.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadBaseline(f"the baseline cannot be written: {error}") from error
    return counts.total()


def compared(issues: Sequence[Issue], file: Path) -> tuple[list[Issue], int]:
    """Mark the issues that are old.

    Returns:
        The issues, in their order, and how many of the baseline's are no longer found.

    Raises:
        BadBaseline: If the file is none.
    """
    left, folder, marked = read(file), file.absolute().parent, []
    for issue in issues:
        print = fingerprint(issue, folder)
        known = left[print] > 0
        left[print] -= known
        marked.append(replace(issue, known=known))
    return marked, sum(count for count in left.values() if count > 0)


def _entry(issue: dict[str, str]) -> Fingerprint:
    return (issue["rule"], issue["path"], issue["qualname"], issue["source"])


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return Path(path).absolute().as_posix()
