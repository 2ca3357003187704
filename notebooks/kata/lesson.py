"""What a lesson does besides showing: ask for a verdict, a hint, a diff, a turn from the gallery."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from kata.audit import audit, project_root
from kata.gallery import difference, gallery
from kata.target import Target, folder_of
from kata.verdict.judge import judge
from kata.verdict.text import render
from kata.workspace import start


class Text(str):
    """Lines that a notebook shows as they are, without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


async def check(id: str, target: str = "workspace") -> Text:
    """Judge one finding. The event loop turns on meanwhile. Makes the workspace if there is none.

    Args:
        id: The finding's id, such as ``"1.4"``.
        target: ``workspace``, ``starter``, ``solution`` or the path of a package's folder.

    Raises:
        UnknownFinding: If the audit has no such finding.
        UnknownTarget: If there is no such folder.
        ValueError: If the finding has no tests yet.
    """
    finding = audit().finding(id)
    if target == "workspace":
        start()
    verdict = await asyncio.to_thread(judge, finding, folder_of(target))
    return Text(render(verdict, finding, target))


def hint(id: str, number: int = 1) -> Text:
    """A hint for a finding, from a nudge (1) to nearly the answer.

    Raises:
        UnknownFinding: If the audit has no such finding.
        ValueError: If it has fewer hints.
    """
    hints = audit().finding(id).hints
    if not 1 <= number <= len(hints):
        raise ValueError(f"finding {id} has hints 1 to {len(hints)}, not {number}")
    return Text(f"hint {number} of {len(hints)}: {hints[number - 1]}")


def diff(id: str) -> Text:
    """What the solution changed for one finding, and for nothing else, as a unified diff.

    Raises:
        UnknownFinding: If the audit has no such finding.
        FileNotFoundError: If the course does not have its fix yet.
    """
    finding = audit().finding(id)
    return Text(difference(project_root() / "solution", gallery(finding.id).put_back, backwards=True))


async def turn(id: str, name: str) -> Text:
    """One turn from the gallery of a finding: its diff, and the verdict it gets.

    Raises:
        LookupError: If the gallery has no such turn.
    """
    refactoring = gallery(id).turn(name)
    with tempfile.TemporaryDirectory(prefix="kata-turn-") as scratch:
        verdict = await check(id, str(refactoring.make(Path(scratch) / "turn")))
    seen = verdict.partition("): ")[2].partition("\n  next:")[0]
    return Text(f"{refactoring.diff()}\n\nverdict: {seen}")


def ready() -> Text:
    """Whether everything is here that the course needs, a line for each thing."""
    from kata import doctor

    return Text("\n".join(f"✓ {name}" if todo is None else f"✗ {name}: {todo}" for name, todo in doctor.ready()))


def board() -> Text:
    """The findings of the audit: id, priority, title, and the lesson that takes each."""
    lines = []
    for section in audit().sections:
        findings = [finding for finding in audit().findings if finding.id.startswith(f"{section.number}.")]
        lines.append(f"{section.number} {section.title}")
        lines += [f"  {f.id}  {f.priority:<6}  {f.title}{_lesson(f.notebook)}" for f in findings]
        lines += [f"  {p.id}  good    {p.title}{_lesson(section.notebook)}" for p in audit().patterns_of(section)]
    return Text("\n".join(lines))


def _lesson(notebook: str | None) -> str:
    return f"  → {notebook}" if notebook else ""


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
