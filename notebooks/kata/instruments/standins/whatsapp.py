"""WhatsApp's stand-in: the Graph API as the Cloud API of WhatsApp uses it, for media and messages.

Wire format: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media and …/reference/messages; errors:
https://developers.facebook.com/docs/graph-api/guides/error-handling.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .server import Refusal, StandIn, body_of

_TOKEN = "stand-in-whatsapp-token"
_PHONE_NUMBER_ID = "100000000000001"
_VERIFY_TOKEN = "stand-in-verify-token"
_FIRST_MEDIA_ID = 200000000000001
_MEDIA_KINDS = ("image", "audio", "video", "document", "sticker")
_WORDS: Mapping[int, tuple[int, str]] = {
    400: (100, "(#100) Invalid parameter"),
    401: (190, "Invalid OAuth access token - Cannot parse access token"),
    403: (10, "(#10) Application does not have permission for this action"),
    429: (130429, "(#130429) Rate limit hit"),
    500: (131000, "(#131000) Something went wrong"),
    503: (2, "(#2) Service temporarily unavailable"),
}


@dataclass(frozen=True)
class Media:
    """A media object: its id, its bytes, their type, and the file name if it was uploaded."""

    id: str
    data: bytes
    mime_type: str
    filename: str | None = None


@dataclass(frozen=True)
class Taken:
    """A message that was sent out, as it was posted, and when it was taken: `time.perf_counter()` seconds."""

    at: float
    message: Mapping[str, Any]


class WhatsAppStandIn(StandIn):
    """The Graph API on loopback, for any version and any phone number id.

    Attributes:
        media_host: Whom the media are downloaded from, as a base URL; None means this server. WhatsApp's own are on
            another host than the Graph API.
    """

    name = "whatsapp"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.media_host: str | None = None
        self._lock = threading.Lock()
        self._media: dict[str, Media] = {}
        self._uploads: list[Media] = []
        self._messages: list[Taken] = []

    def add_media(self, data: bytes, mime_type: str) -> str:
        """Let a user have sent this media; returns the id that the webhook's notification carries."""
        return self._store(data, mime_type).id

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages that were sent out, as they were posted, in order."""
        return tuple(each.message for each in self.taken)

    @property
    def taken(self) -> Sequence[Taken]:
        """The same, and when each was taken."""
        with self._lock:
            return tuple(self._messages)

    @property
    def uploads(self) -> Sequence[Media]:
        """The media that were uploaded, in order."""
        with self._lock:
            return tuple(self._uploads)

    def reset(self) -> None:
        super().reset()
        with self._lock:
            self._messages.clear()
            self._uploads.clear()

    def settings(self) -> dict[str, str]:
        return {
            "WHATSAPP_BASE_URL": self.base_url,
            "WHATSAPP_TOKEN": _TOKEN,
            "WHATSAPP_PHONE_NUMBER_ID": _PHONE_NUMBER_ID,
            "WHATSAPP_VERIFY_TOKEN": _VERIFY_TOKEN,
        }

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/whatsapp_business/attachments/", self._download, methods=["GET"]),
            Route("/{version}/{media_id}", self._describe, methods=["GET"]),
            Route("/{version}/{phone_number_id}/media", self._upload, methods=["POST"]),
            Route("/{version}/{phone_number_id}/messages", self._send, methods=["POST"]),
        ]

    def refusal(self, status: int) -> Refusal:
        return _error(status, *_WORDS.get(status, _WORDS[400 if status < 500 else 500]))

    def admit(self, headers: Mapping[str, str]) -> None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise _error(401, 190, "An access token is required to request this resource.")
        if token == "invalid":
            raise self.refusal(401)

    async def _describe(self, request: Request) -> Response:
        media = self._found(request.path_params["media_id"])
        return JSONResponse(
            {
                "url": f"{self.media_host or self.base_url}/whatsapp_business/attachments/?mid={media.id}",
                "mime_type": media.mime_type,
                "sha256": sha256(media.data).hexdigest(),
                "file_size": len(media.data),
                "id": media.id,
                "messaging_product": "whatsapp",
            }
        )

    async def _download(self, request: Request) -> Response:
        media = self._found(request.query_params.get("mid", ""))
        return Response(media.data, headers={"content-type": media.mime_type})

    async def _upload(self, request: Request) -> Response:
        body = body_of(request)
        _require(body.fields, "messaging_product")
        if body.file is None:
            raise _error(400, 100, "(#100) The parameter file is required.")
        media = self._store(body.data, body.fields.get("type") or body.file.content_type, body.file.filename)
        with self._lock:
            self._uploads.append(media)
        return JSONResponse({"id": media.id})

    async def _send(self, request: Request) -> Response:
        fields = dict(body_of(request).fields)
        _require(fields, "messaging_product", "to")
        kind = fields.get("type", "text")
        _require(fields, kind)
        content = fields[kind]
        if not isinstance(content, Mapping) or (kind == "text" and not content.get("body")):
            raise _error(400, 100, f"(#100) Invalid parameter: {kind}")
        if kind in _MEDIA_KINDS and "link" not in content:
            self._found(str(content.get("id", "")))
        with self._lock:
            self._messages.append(Taken(time.perf_counter(), fields))
            identity = f"wamid.STANDIN{len(self._messages):08}"
        to = str(fields["to"])
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": to, "wa_id": to.lstrip("+")}],
                "messages": [{"id": identity}],
            }
        )

    def _store(self, data: bytes, mime_type: str, filename: str | None = None) -> Media:
        with self._lock:
            media = Media(str(_FIRST_MEDIA_ID + len(self._media)), bytes(data), mime_type, filename)
            self._media[media.id] = media
            return media

    def _found(self, media_id: str) -> Media:
        with self._lock:
            media = self._media.get(media_id)
        if media is None:
            message = f"Unsupported request. Object with ID '{media_id}' does not exist."
            raise _error(400, 100, message, kind="GraphMethodException", subcode=33)
        return media


def _require(fields: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not fields.get(name):
            raise _error(400, 100, f"(#100) The parameter {name} is required.")
    if fields.get("messaging_product") != "whatsapp":
        raise _error(400, 100, "(#100) Param messaging_product must be one of {WHATSAPP}")


def _error(
    status: int, code: int, message: str, *, kind: str = "OAuthException", subcode: int | None = None
) -> Refusal:
    error: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Refusal(status, {"error": error | {"fbtrace_id": "A" + sha256(message.encode()).hexdigest()[:22]}})
