"""The body of a request, decoded without touching the disk (a disk under observation must stay quiet)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header

from .journal import UploadedFile


@dataclass(frozen=True)
class Body:
    """What a request carried: JSON members or form fields, and at most one uploaded file with its bytes."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    file: UploadedFile | None = None
    data: bytes = b""
    flaw: str | None = None  # why the body could not be decoded


def decode(content_type: str, raw: bytes) -> Body:
    """Decode a request's body by its content type; a body that is not what it claims has a `flaw`."""
    kind, options = parse_options_header(content_type)
    if kind == b"application/json":
        return _json(raw)
    if kind == b"application/x-www-form-urlencoded":
        return Body(dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)))
    if kind == b"multipart/form-data":
        boundary = options.get(b"boundary")
        return _multipart(raw, boundary) if boundary else Body(flaw="multipart body without a boundary")
    return Body(flaw=f"content type {content_type!r} is not understood" if raw else None)


def _json(raw: bytes) -> Body:
    try:
        value = json.loads(raw)
    except ValueError as error:
        return Body(flaw=f"invalid JSON: {error}")
    return Body(value) if isinstance(value, dict) else Body(flaw="the JSON body is not an object")


def _multipart(raw: bytes, boundary: bytes) -> Body:
    """RFC 7578: parts between `--boundary` lines, each with its own headers. A repeated field becomes a list."""
    fields: dict[str, Any] = {}
    file, data = None, b""
    first, *parts = (b"\r\n" + raw).split(b"\r\n--" + boundary)
    if first or not parts or not parts[-1].startswith(b"--"):
        return Body(flaw="multipart body is cut short")
    for part in parts[:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = _part_headers(head)
        _, options = parse_options_header(headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode()
        if b"filename" in options:
            content_type = headers.get(b"content-type", b"application/octet-stream").decode()
            file = UploadedFile(options[b"filename"].decode(), content_type, len(content), sha256(content).hexdigest())
            data = content
        elif name in fields:
            earlier = fields[name] if isinstance(fields[name], list) else [fields[name]]
            fields[name] = [*earlier, content.decode("utf-8", "replace")]
        else:
            fields[name] = content.decode("utf-8", "replace")
    return Body(fields, file, data)


def _part_headers(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}
