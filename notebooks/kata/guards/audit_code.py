"""The audit of a project's code: what the engines see, told once for each place."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kata.audit import PRIORITIES
from kata.guards import baseline, engines, watched
from kata.guards.allowances import Allowance, allowance
from kata.guards.catalogue import patterns, rules
from kata.guards.engines import Sighting
from kata.guards.files import python_files
from kata.guards.issue import Hit, Issue, Kind
from kata.guards.scopes import Scopes

MARKS = (b"async def", b"kata: allow")
"""A file without any of them has no event loop to stop, and nothing to allow."""

JOINING = ("ASYNC200", watched.RULE)
"""A listed call, and a line that the pulse saw: of whatever kind, they join what else is found on their line."""

NOT_ON_DISK = re.compile(
    r"[\w.]+\.(abspath|relpath|normpath|normcase|join|basename|dirname|split|splitext|isabs|commonpath|expandvars)\("
)
"""What ruff's ASYNC240 takes for a question to the disk, and only works on the path's text."""

MOST_NAMED = 3
"""As many paths are named in a report's head; of more, their number."""


@dataclass(frozen=True)
class Good:
    """A good pattern, at its place."""

    id: str
    message: str
    path: str
    line: int
    qualname: str


@dataclass(frozen=True)
class Report:
    """What the audit found.

    Attributes:
        root: What was audited.
        engines: Who looked.
        files: How many files there are.
        lines: How many lines they have.
        issues: What is to be mended, old issues of the baseline included, in the report's order.
        allowed: What is allowed by a comment with a reason.
        good: The good patterns.
        unread: Files that could not be audited, and why.
        gone: How many issues of the baseline are no longer there.
        notes: What else is to be said.
    """

    root: str
    engines: tuple[str, ...]
    files: int
    lines: int
    issues: tuple[Issue, ...]
    allowed: tuple[Issue, ...]
    good: tuple[Good, ...]
    unread: Mapping[str, str]
    gone: int = 0
    notes: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[Issue, ...]:
        """The issues that the baseline does not have."""
        return tuple(issue for issue in self.issues if not issue.known)

    def at_least(self, priority: str) -> tuple[Issue, ...]:
        """The new issues of a priority and those above it."""
        wanted = PRIORITIES[: PRIORITIES.index(priority) + 1]
        return tuple(issue for issue in self.new if issue.rule.priority in wanted)

    def compared_with(self, file: Path) -> Report:
        """The same with the baseline's issues marked.

        Raises:
            baseline.BadBaseline: If the file is no baseline.
        """
        issues, gone = baseline.compared(self.issues, file)
        return replace(self, issues=tuple(issues), gone=gone)


@dataclass(frozen=True)
class _Seen:
    """What all engines saw."""

    hits: list[Hit]
    sightings: list[Sighting]
    unread: dict[str, str]


def audit_code(*roots: Path, exclude: Sequence[str] = (), thorough: bool = False, run: str | None = None) -> Report:
    """Audit folders and files.

    Args:
        roots: What is audited.
        exclude: Patterns of paths, relative to their folder, that are left out.
        thorough: Whether flake8-async is asked too, which takes a second for about 1200 lines.

        run: A command that runs the tests of the one folder that is audited, to be watched by the pulse.

    Raises:
        EngineFailed: If an engine could not do its work.
    """
    files = sorted({file for root in roots for file in python_files(root, exclude)})
    sources, unread = _read(files)
    reached = {os.path.abspath(path): path for path in sources}
    marked = [path for path in sources if any(mark in sources[path] for mark in MARKS)]
    unread |= {path: "it is not UTF-8" for path in marked if not _is_utf8(sources[path])}
    seen = _look([path for path in marked if path not in unread], thorough)
    stood, notes = watched.watched(run, roots[0]) if run is not None else ([], [])
    seen.hits.extend(hit for hit in stood if os.path.abspath(hit.path) in reached)
    issues, allowed, good = _told(seen, sources, reached, thorough)
    return Report(
        root=", ".join(map(str, roots)) if len(roots) <= MOST_NAMED else f"{len(roots)} paths",
        engines=("ast-grep", "ruff", *(["flake8-async"] if thorough else []), *(["pulse"] if run else [])),
        files=len(files),
        lines=sum(source.count(b"\n") for source in sources.values()),
        issues=tuple(sorted(issues, key=lambda issue: issue.rank)),
        allowed=tuple(sorted(allowed, key=lambda issue: issue.rank)),
        good=tuple(sorted(good, key=lambda each: (each.id, each.path, each.line))),
        unread=unread | {reached[os.path.abspath(path)]: why for path, why in seen.unread.items()},
        notes=tuple(notes),
    )


def _read(files: Iterable[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    sources, unread = {}, {}
    for file in files:
        try:
            sources[file] = Path(file).read_bytes()
        except OSError as error:
            unread[file] = str(error)
    return sources, unread


def _is_utf8(source: bytes) -> bool:
    try:
        source.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _look(files: Sequence[str], thorough: bool) -> _Seen:
    with ThreadPoolExecutor() as pool:
        ours = pool.submit(engines.ast_grep, files)
        ruffs = pool.submit(engines.ruff, files)
        hits, sightings = ours.result()
        linted, unread = ruffs.result()
    broken = {os.path.abspath(path) for path in unread}
    readable = [path for path in files if os.path.abspath(path) not in broken]
    more = engines.flake8_async(readable) if thorough else []
    return _Seen([*hits, *linted, *more], sightings, unread)


def _told(
    seen: _Seen, sources: Mapping[str, bytes], reached: Mapping[str, str], thorough: bool
) -> tuple[list[Issue], list[Issue], list[Good]]:
    hits, sightings = defaultdict(list), defaultdict(list)
    for hit in seen.hits:
        hits[reached[os.path.abspath(hit.path)]].append(hit)
    for sighting in seen.sightings:
        sightings[reached[os.path.abspath(sighting.path)]].append(sighting)
    issues: list[Issue] = []
    allowed: list[Issue] = []
    good: list[Good] = []
    for path in sorted({*hits, *sightings}):
        page = _Page(path, sources[path])
        found = list(page.issues(hits[path]))
        allowances = [page.allowance(each) for each in sightings[path] if each.rule == "allowance"]
        good += [page.good(each) for each in sightings[path] if each.rule != "allowance"]
        for issue in found:
            reason = _reason(issue, allowances)
            if reason:
                allowed.append(replace(issue, reason=reason))
            else:
                issues.append(issue)
        issues += page.complaints(allowances, found, thorough)
    return issues, allowed, good


class _Page:
    """A file, and what is told of it."""

    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        text = source.decode("utf-8-sig")
        self._lines = text.split("\n")
        self._scopes = Scopes(text)

    def issues(self, hits: Iterable[Hit]) -> Iterator[Issue]:
        """One issue for each line and kind, under the name of the rule that says most."""
        places: dict[tuple[int, Kind], list[Hit]] = defaultdict(list)
        for hit in sorted(filter(self._touches, hits), key=lambda hit: hit.rule in JOINING):
            kinds = [kind for line, kind in places if line == hit.line]
            kind = kinds[0] if kinds and hit.rule in JOINING else rules()[hit.rule].kind
            places[hit.line, kind].append(hit)
        for same in places.values():
            first, *rest = sorted(same, key=_says_most)
            also = {hit.rule for hit in rest} - {first.rule}
            yield self._issue(first.rule, first.line, first.column, tuple(sorted(also)))

    def allowance(self, sighting: Sighting) -> Allowance:
        return allowance(sighting.text, sighting.line, self._lines)

    def good(self, sighting: Sighting) -> Good:
        id, message = patterns()[sighting.rule]
        return Good(id, message, self._path, sighting.line, self._scopes.qualname(sighting.line))

    def complaints(self, allowances: Iterable[Allowance], found: Sequence[Issue], thorough: bool) -> Iterator[Issue]:
        """Comments that allow without a reason, or allow what is not there."""
        for each in allowances:
            if not each.rule:
                yield self._issue("allow-without-reason", each.line, 1)
            elif not any(_is_about(each, issue) for issue in found) and _was_looked_for(each.rule, thorough):
                yield self._issue("allow-without-effect", each.line, 1)

    def _touches(self, hit: Hit) -> bool:
        return hit.rule != "ASYNC240" or not NOT_ON_DISK.match(self._lines[hit.line - 1], hit.column - 1)

    def _issue(self, rule: str, line: int, column: int, also: tuple[str, ...] = ()) -> Issue:
        source = self._lines[line - 1].strip()
        return Issue(rules()[rule], also, self._path, line, column, self._scopes.qualname(line), source)


def _says_most(hit: Hit) -> tuple[bool, int, bool, int, str]:
    """What joins last; the higher priority first, then the course's own rules, then the leftmost."""
    rule = rules()[hit.rule]
    joins, theirs = hit.rule in JOINING, "ast-grep" not in rule.engines
    return (joins, PRIORITIES.index(rule.priority), theirs, hit.column, hit.rule)


def _reason(issue: Issue, allowances: Iterable[Allowance]) -> str:
    return next((each.reason for each in allowances if _is_about(each, issue)), "")


def _is_about(allowed: Allowance, issue: Issue) -> bool:
    return allowed.target == issue.line and allowed.rule in (issue.rule.id, *issue.also)


def _was_looked_for(rule: str, thorough: bool) -> bool:
    """Whether an engine that ran knows the rule; one that nobody knows was looked for as well as it can be."""
    return rule not in rules() or not {*rules()[rule].engines} <= ({"pulse"} if thorough else {"pulse", "flake8-async"})
