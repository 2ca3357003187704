"""Pictures as far as a stand-in understands them: format and size by the header, and PNGs drawn from a prompt."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256

_PNG = b"\x89PNG\r\n\x1a\n"
_CELLS = 8  # a drawing is a grid of that many cells each way


@dataclass(frozen=True)
class Picture:
    """The format and, where the header is understood, the size in pixels."""

    format: str
    width: int | None = None
    height: int | None = None

    def __str__(self) -> str:
        size = f" of {self.width} × {self.height} pixels" if self.width else ""
        return f"{self.format} picture{size}"


def recognised(data: bytes) -> Picture | None:
    """What the header says; None for anything that is not a PNG, JPEG, GIF or WebP."""
    if data.startswith(_PNG) and len(data) >= 24:
        return Picture("PNG", *struct.unpack(">II", data[16:24]))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return Picture("GIF", *struct.unpack("<HH", data[6:10]))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Picture("WebP")
    return None


def _jpeg(data: bytes) -> Picture:
    """Walk the segments to the start of frame (ITU-T T.81, B.2.2): marker, length, precision, height, width."""
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return Picture("JPEG", width, height)
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return Picture("JPEG")


def drawn(prompt: str, width: int, height: int) -> bytes:
    """A PNG of that size in pixels: a symmetrical grid in two colours, the same for the same prompt."""
    digest = sha256(prompt.encode()).digest()
    ink, paper = digest[:3], bytes(255 - value // 4 for value in digest[3:6])
    columns = [min(column, _CELLS - 1 - column) for column in (x * _CELLS // width for x in range(width))]
    lines = []
    for row in range(_CELLS):
        cells = digest[8 + row]
        pixels = b"".join(ink if cells >> column & 1 else paper for column in columns)
        lines.append(b"\0" + pixels)
    image = b"".join(lines[y * _CELLS // height] for y in range(height))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    return _PNG + _chunk(b"IHDR", size) + _chunk(b"IDAT", zlib.compress(image, 1)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
