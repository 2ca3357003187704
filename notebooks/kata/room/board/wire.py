"""Messages as the board takes them in: exactly these fields, of exactly these kinds, and nothing beside them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from kata.audit import audit
from kata.room.board.message import BadMessage, is_canonical
from kata.room.board.name import name_of
from kata.verdict.model import Status

_Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
_Moment = Annotated[int, Field(ge=0, lt=2**53)]
"""Milliseconds since 1970 by the sender's clock, whichever that shows."""


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    board: _Id


class Joining(_Message):
    """Somebody wants to be on the board; signed with the key of the code."""

    kind: Literal["join"]
    name: str
    nonce: _Id

    @field_validator("name")
    @classmethod
    def _as_shown(cls, name: str) -> str:
        if name_of(name) != name:
            raise ValueError("not as it is shown")
        return name


class Report(_Message):
    """A learner's verdicts that the board does not have yet; signed with the learner's key.

    Attributes:
        count: Greater than in every message before.
        now: When it was sent.
        verdicts: By finding, the status, and when it was judged by the clock that `now` is from.
    """

    kind: Literal["report"]
    learner: _Id
    count: _Moment
    now: _Moment
    verdicts: dict[str, tuple[Status, _Moment]]

    @field_validator("verdicts")
    @classmethod
    def _known(cls, verdicts: dict[str, tuple[Status, int]]) -> dict[str, tuple[Status, int]]:
        if verdicts.keys() - {finding.id for finding in audit().everything}:
            raise ValueError("the audit has no such finding")
        return verdicts


class Leaving(_Message):
    """A learner wants to be forgotten; signed with the learner's key."""

    kind: Literal["leave"]
    learner: _Id
    count: _Moment


class Order(_Message):
    """What the teacher's command asks of a board that runs; signed with the teacher's token.

    Attributes:
        kind: `find` to see whether it runs, `forget` to take a learner off, `end` to delete everything.
        name: Whom to forget.
    """

    kind: Literal["find", "forget", "end"]
    now: _Moment
    name: str = ""


M = TypeVar("M", bound=_Message)


def read(kind: type[M], body: bytes) -> M:
    """The message in a body.

    Raises:
        BadMessage: If it is none of that kind; the message never repeats what was sent.
    """
    try:
        message = kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise BadMessage(f"{'.'.join(map(str, first['loc'][:1])) or 'the message'}: {first['msg'][:120]}") from None
    if not is_canonical(body):
        raise BadMessage("the message is not canonical JSON")
    return message
