"""The picture service's stand-in: text to image, as base64.

Wire format: Together's https://docs.together.ai/reference/post-images-generations; the answer is
always base64, since a picture on loopback needs no second request.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from . import pictures
from .openai import OpenAILike
from .server import body_of

_DEFAULT = 256  # pixels; Together's own default is 1024, which nobody needs of a drawing
_LARGEST = 2048  # pixels
_MOST = 4  # pictures in one request


class ImagesStandIn(OpenAILike):
    """Draws a real PNG, the same for the same prompt."""

    name = "images"
    key = "stand-in-images-key"

    def settings(self) -> dict[str, str]:
        return {"IMAGES_BASE_URL": self.base_url, "IMAGES_API_KEY": self.key}

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/v1/images/generations", self._generate, methods=["POST"])]

    def drawing(self, prompt: str) -> bytes:
        """What it draws for who asks for it in these words, and for no size."""
        return pictures.drawn(prompt, _DEFAULT, _DEFAULT)

    async def _generate(self, request: Request) -> Response:
        fields = self.checked(body_of(request), "prompt")
        width, height = (self._pixels(fields, name) for name in ("width", "height"))
        count = fields.get("n", 1)
        if not isinstance(count, int) or not 1 <= count <= _MOST:
            raise self.error(400, f"n must be between 1 and {_MOST}", param="n")
        prompt = str(fields["prompt"])
        drawings = [
            pictures.drawn(prompt if index == 0 else f"{prompt} #{index}", width, height) for index in range(count)
        ]
        data = [
            {"index": index, "b64_json": base64.b64encode(drawing).decode(), "timings": {"inference": 0.0}}
            for index, drawing in enumerate(drawings)
        ]
        identity = sha256(prompt.encode()).hexdigest()[:24]
        return JSONResponse({"id": identity, "model": fields.get("model", ""), "object": "list", "data": data})

    def _pixels(self, fields: Mapping[str, Any], name: str) -> int:
        value = fields.get(name, _DEFAULT)
        if not isinstance(value, int) or not 1 <= value <= _LARGEST:
            raise self.error(400, f"{name} must be between 1 and {_LARGEST}", param=name)
        return value
