"""Audio as far as a stand-in understands it: containers by their first bytes, and silence as MP3."""

from __future__ import annotations

from hashlib import sha256

# By ISO/IEC 11172-3 (MPEG-1) and 13818-3 (MPEG-2), layer III: kbit/s by index, 1 to 14.
_MPEG1_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_RATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_CHARACTERS_PER_SECOND = 15  # an ordinary speaking rate


def container(data: bytes) -> str | None:
    """The name of the container that the first bytes announce, None for anything that is not audio."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "WAV"
    if data[:4] == b"OggS":
        return "Ogg"
    if data[:4] == b"fLaC":
        return "FLAC"
    if data[4:8] == b"ftyp":
        return "M4A"
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "WebM"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return "MP3"
    return None


def wav_seconds(data: bytes) -> float | None:
    """How long a WAV plays, by its own header; None if it has no complete one."""
    rate, position = 0, 12
    while position + 8 <= len(data):
        chunk, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        if chunk == b"fmt ":
            rate = int.from_bytes(data[position + 16 : position + 20], "little")  # bytes per second
        elif chunk == b"data":
            return min(size, len(data) - position - 8) / rate if rate else None
        position += 8 + size + size % 2
    return None


def silent_mp3(text: str, *, sample_rate: int = 44_100, kilobits: int = 128, at_least: int = 1) -> list[bytes]:
    """MP3 frames that play as silence for about as long as the text takes to say, and differ from text to text.

    The text's digest sits in each frame's ancillary bytes, which a decoder skips. `at_least` is a number of frames.
    Raises ValueError for a rate that MP3 does not have.
    """
    mpeg1 = sample_rate in (44_100, 48_000, 32_000)
    rates = (44_100, 48_000, 32_000) if mpeg1 else (22_050, 24_000, 16_000)
    table = _MPEG1_RATES if mpeg1 else _MPEG2_RATES
    if sample_rate not in rates or kilobits not in table:
        raise ValueError(f"there is no MP3 of {sample_rate} Hz at {kilobits} kbit/s")
    samples = 1152 if mpeg1 else 576
    size = samples // 8 * kilobits * 1000 // sample_rate
    setting = (table.index(kilobits) + 1) << 4 | rates.index(sample_rate) << 2
    header = bytes((0xFF, 0xFB if mpeg1 else 0xF3, setting, 0xC0))  # layer III, no checksum, mono
    side_information = bytes(17 if mpeg1 else 9)  # all zero: no main data, therefore silence
    frame = (header + side_information + sha256(text.encode()).digest()).ljust(size, b"\0")[:size]
    seconds = len(text) / _CHARACTERS_PER_SECOND
    return [frame] * max(at_least, round(seconds * sample_rate / samples))
