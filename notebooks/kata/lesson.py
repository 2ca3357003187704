"""What a lesson does besides showing: ask for a verdict, a hint, a diff, a turn from the gallery."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kata.audit import Finding, audit, project_root
from kata.gallery import Turn, gallery
from kata.target import Target, folder_of
from kata.verdict.html import card, code, folded
from kata.verdict.judge import limit_of
from kata.verdict.model import Verdict
from kata.verdict.text import render
from kata.waiting import awaited
from kata.workspace import start
from kata.workspace.diffs import solution_of, work_on
from kata.workspace.progress import board as progress
from kata.workspace.progress import judged

if TYPE_CHECKING:
    from kata.load.report import Report


class Text(str):
    """Lines that a notebook shows as they are, without quotation marks, and dressed where it can show HTML.

    The lines say everything, for terminals, screen readers and comparisons; the HTML says the same in colours.
    """

    __slots__ = ("_html",)
    _html: str

    def __new__(cls, text: str, html: str = "") -> Self:
        self = super().__new__(cls, text)
        self._html = html
        return self

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str | None:
        return self._html or None


async def check(id: str, target: str = "workspace") -> Text:
    """Judge one finding. The event loop turns on meanwhile. Makes the workspace if there is none.

    Args:
        id: The finding's id, such as ``"1.4"``.
        target: ``workspace``, ``starter``, ``solution`` or the path of a package's folder.

    Raises:
        UnknownFinding: If the audit has no such finding.
        UnknownTarget: If there is no such folder.
    """
    finding = audit().finding(id)
    if target == "workspace":
        await asyncio.to_thread(start)
    verdict = await _judged(finding, folder_of(target))
    footer = f"board: {(await asyncio.to_thread(progress)).summary}" if target == "workspace" else ""
    return Text(render(verdict, finding, target), card(verdict, finding, target, footer))


def hint(id: str, number: int = 1) -> Text:
    """A hint for a finding, from a nudge (1) to nearly the answer.

    Raises:
        UnknownFinding: If the audit has no such finding.
        ValueError: If it has fewer hints.
    """
    hints = audit().finding(id).hints
    if not 1 <= number <= len(hints):
        raise ValueError(f"finding {id} has hints 1 to {len(hints)}, not {number}")
    said = f"hint {number} of {len(hints)}: {hints[number - 1]}"
    further = (folded(f"hint {n} of {len(hints)}", hints[n - 1]) for n in range(number + 1, len(hints) + 1))
    return Text(said, f"<div>{escape(said)}</div>{''.join(further)}")


def diff(id: str) -> Text:
    """What the solution changed for one finding, and for nothing else, as a unified diff.

    In a notebook it is folded, and so is what you have changed yourself.

    Raises:
        UnknownFinding: If the audit has no such finding.
    """
    finding = audit().finding(id)
    fix, mine = solution_of(finding), work_on(finding)
    html = folded(f"what the solution changed for {id}: {_size(fix)}", fix)
    return Text(fix, html + (folded(f"what you have changed there: {_size(mine)}", mine) if mine else ""))


def _size(diff: str) -> str:
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    return f"{sum(line[:1] == '+' for line in lines)} lines in, {sum(line[:1] == '-' for line in lines)} out"


async def turn(id: str, name: str) -> Text:
    """One turn from the gallery of a finding: its diff, and the verdict it gets.

    Raises:
        LookupError: If the gallery has no such turn.
    """
    refactoring = gallery(id).turn(name)
    _, seen = await judge_turn(audit().finding(id), refactoring)
    html = folded(f"{id}, {name}", refactoring.diff(), is_open=True) + code(f"verdict: {seen}")
    return Text(f"{refactoring.diff()}\n\nverdict: {seen}", html)


async def judge_turn(finding: Finding, refactoring: Turn) -> tuple[Verdict, str]:
    """Judge a turn from a gallery: the verdict, and what it says without the finding's name and what to do next."""
    # kata: allow temporary-file-on-loop because a notebook's loop serves nobody but the one who waits for this
    with tempfile.TemporaryDirectory(prefix="kata-turn-") as scratch:
        folder = refactoring.make(Path(scratch) / "turn")
        verdict = await _judged(finding, folder)
        said = render(verdict, finding, str(folder))
    return verdict, said.partition("): ")[2].partition("\n  next:")[0]


async def _judged(finding: Finding, folder: Path) -> Verdict:
    return await awaited(asyncio.to_thread(judged, finding, folder), f"judging {finding.id}", limit_of(finding))


async def bench(*packages: str, callers: Sequence[int] = (1, 5, 20)) -> Report:
    """Put WhatsApp services under load, side by side. The event loop turns on meanwhile.

    Args:
        packages: ``workspace``, ``starter``, ``solution`` or paths of packages' folders. Makes the workspace if there
            is none.
        callers: How many callers there are, round by round.

    Raises:
        UnknownTarget: If there is no such folder.
        BenchFailed: If a service cannot be measured.
    """
    from kata.load import command
    from kata.load.apart import apart

    if "workspace" in packages:
        start()
    folders = {name: folder_of(name) for name in packages}
    wanted = command.understood(folders, quick=True, callers=",".join(map(str, callers)))
    return await awaited(apart(lambda: anext(command.measured(wanted))), "loading the services", wanted.seconds_at_most)


def ready() -> Text:
    """Whether everything is here that the course needs, a line for each thing."""
    from kata import doctor

    marks = {doctor.Mark.OK: "✓", doctor.Mark.FAIL: "✗"}
    return Text("\n".join(f"{marks[line.mark]} {line.name}{line.todo and ': '}{line.todo}" for line in doctor.needs()))


def machine() -> Text:
    """What is to be known about this machine, with numbers, a line for each thing."""
    from kata import doctor

    return Text("\n".join(map(str, doctor.machine())))


def board() -> Text:
    """How far you are: the findings by section and priority, how each stands in your workspace, and the minutes left.

    In a notebook each is a link to its lesson.
    """
    now = progress()
    return Text(str(now), now.html(lessons_from_here()))


def lessons() -> Text:
    """The map: every lesson in order, and how long it takes. In a notebook each is a link."""
    from kata import syllabus

    found = syllabus.lessons()
    return Text("\n".join(str(lesson) for lesson in found), syllabus.linked(found, lessons_from_here()))


def lessons_from_here() -> str:
    """The way from the notebook's folder to the lessons, for links."""
    return os.path.relpath(project_root() / "notebooks").replace(os.sep, "/")


async def listen(folder: Path, audio: bytes, audio_format: str) -> tuple[str, str]:
    """Turn a voice note into text by a package's SpeechToText: the course's main job.

    Args:
        folder: The package's folder.
        audio: The audio file's bytes.
        audio_format: Its format, such as ``ogg``.

    Returns:
        The text, and who heard it: Groq if GROQ_API_KEY is set, the stand-in otherwise.
    """
    target = Target(folder)
    settings_of = target.load("settings").Settings
    if settings_of().GROQ_API_KEY.get_secret_value():
        return await _heard(target, settings_of(), audio, audio_format), "Groq"
    from kata.audio import voice_note
    from kata.instruments.standins import providers

    with providers("groq") as world:
        world.groq.recognise(voice_note().data, voice_note().text)
        return await _heard(target, settings_of(**world.settings()), audio, audio_format), "stand-in"


async def _heard(target: Target, settings: Any, audio: bytes, audio_format: str) -> str:
    speech_to_text = target.load("modules.speech.speech_to_text").SpeechToText(settings)
    try:
        return await speech_to_text.transcribe(audio, audio_format)
    finally:
        await speech_to_text.close()
