"""What the services that follow OpenAI's conventions share: the bearer key and the error body.

Source: https://platform.openai.com/docs/guides/error-codes; Together answers in the same shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .body import Body
from .server import Refusal, StandIn

_WORDS: Mapping[int, tuple[str, str, str | None]] = {
    401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    404: ("Invalid URL", "invalid_request_error", "not_found"),
    429: ("Rate limit reached. Please try again later.", "requests", "rate_limit_exceeded"),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


class OpenAILike(StandIn):
    """A stand-in with OpenAI's manners. `key` is the dummy that its settings carry."""

    key: ClassVar[str]

    def error(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> Refusal:
        """An error in OpenAI's body."""
        return Refusal(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})

    def refusal(self, status: int) -> Refusal:
        fallback = ("The server had an error while processing your request.", "server_error", None)
        if status < 500:
            fallback = ("The request was refused by the stand-in.", "invalid_request_error", None)
        return self.error(status, *_WORDS.get(status, fallback))

    def admit(self, headers: Mapping[str, str]) -> None:
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key.strip() or key == "invalid":
            raise self.refusal(401)

    def checked(self, body: Body, *required: str) -> Mapping[str, Any]:
        """The fields of a request. Raises Refusal if it is no JSON, or lacks its model or one that is `required`."""
        if body.flaw:
            raise self.error(400, body.flaw)
        for name in ("model", *required):
            if not body.fields.get(name):
                raise self.error(400, f"you must provide a {name} parameter", param=name)
        return body.fields
