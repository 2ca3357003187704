"""The embedding service's stand-in: texts with common words get vectors that point the same way.

Wire format: https://platform.openai.com/docs/api-reference/embeddings.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Sequence
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .body import Body
from .openai import OpenAILike
from .server import body_of

_DIMENSIONS = 256
_MOST_DIMENSIONS = 3072
_SHORT = 3  # letters: words up to here are mostly grammar
_SHORT_WEIGHT, _STEM_WEIGHT = 0.2, 0.6  # of a whole word's
_STEM = 4  # letters that words must share at their beginning to be a little alike


class EmbeddingsStandIn(OpenAILike):
    """Embeds by hashed words: no meaning, but enough to find the memory that shares words with a question."""

    name = "embeddings"
    key = "stand-in-embeddings-key"

    def settings(self) -> dict[str, str]:
        return {"EMBEDDINGS_BASE_URL": self.base_url, "EMBEDDINGS_API_KEY": self.key}

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/v1/embeddings", self._embed, methods=["POST"])]

    async def _embed(self, request: Request) -> Response:
        body = body_of(request)
        fields = self.checked(body, "input")
        texts = self._texts(body)
        dimensions = fields.get("dimensions", _DIMENSIONS)
        if not isinstance(dimensions, int) or not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise self.error(400, f"dimensions must be between 1 and {_MOST_DIMENSIONS}", param="dimensions")
        packed = fields.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
            for index, vector in enumerate(embedding(text, dimensions) for text in texts)
        ]
        tokens = sum(max(1, len(text) // 4) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": fields["model"], "usage": usage})

    def _texts(self, body: Body) -> Sequence[str]:
        value = body.fields["input"]
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            raise self.error(400, "'$.input' must be a text that is not empty, or a list of them.", param="input")
        return texts


def embedding(text: str, dimensions: int = _DIMENSIONS) -> list[float]:
    """A vector of length 1: each word, and the start of a longer one, counts at a place and with a sign of its own."""
    words = re.findall(r"\w+", text.lower()) or [text]
    vector = [0.0] * dimensions
    for word in words:
        _add(vector, word, _SHORT_WEIGHT if len(word) <= _SHORT else 1.0)
        if len(word) >= _STEM:
            _add(vector, word[:_STEM] + "…", _STEM_WEIGHT)
    length = math.hypot(*vector)
    if length == 0.0:  # the words cancelled each other out
        vector[0] = length = 1.0
    return [value / length for value in vector]


def _add(vector: list[float], word: str, weight: float) -> None:
    place = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")
    vector[(place >> 1) % len(vector)] += weight if place & 1 else -weight


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
