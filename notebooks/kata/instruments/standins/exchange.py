"""One call, from its arrival to its end: lets each piece of the answer wait, and keeps the journal true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from starlette.types import Message, Send

from .gates import Gate
from .heart import Heart
from .journal import Call, Entry

_SECRETS = {"authorization", "xi-api-key", "access_token"}


def redacted(values: Mapping[str, str]) -> dict[str, str]:
    """Header or query values by lower-case name, secrets cut to their last four characters."""
    return {name.lower(): _cut(value) if name.lower() in _SECRETS else value for name, value in values.items()}


def _cut(secret: str) -> str:
    token = secret.rpartition(" ")[2]
    return "…" + (token[-4:] if len(token) > 4 else "")


class Exchange:
    """Sends an answer piece by piece, each one once the gates and the latency allow it.

    `due` is when the first piece may leave (`time.perf_counter()` seconds), `latency` how many seconds later the next.
    The journal is written before the last byte leaves, so that whoever has the answer finds it noted.
    """

    def __init__(
        self,
        entry: Entry,
        send: Send,
        provider: str,
        *,
        pulse: Heart | None,
        gates: Sequence[Gate],
        due: float,
        latency: Callable[[], float],
    ) -> None:
        self._entry = entry
        self._send = send
        self._pulse = pulse
        self._gates = gates
        self._latency = latency
        self._provider = provider
        self._due = due
        self._head: Message | None = None
        self._status: int | None = None
        self.held_out = False

    @property
    def call(self) -> Call:
        """What the journal says of the call now."""
        return self._entry.call

    @property
    def begun(self) -> bool:
        """Whether the answer's status was sent."""
        return self._status is not None and self._head is None

    @property
    def answer(self) -> str:
        """What the client waits for, in words."""
        piece = "" if self.call.chunks == 0 else f"piece {self.call.chunks + 1} of "
        return f"{piece}the answer of {self._provider} to {self.call.method} {self.call.path}"

    async def wait(self) -> None:
        """Wait at the gates, then for what is left of the latency."""
        for gate in self._gates:
            await gate.let_through(self)
        if self.held_out != self.call.held_out:
            self._entry.note(held_out=self.held_out)
        remaining = self._due - time.perf_counter()
        if remaining > 0:
            await asyncio.sleep(remaining)

    async def send(self, message: Message) -> None:
        """ASGI's send. The head waits for the first piece of the body; an empty last piece does not wait again."""
        if message["type"] == "http.response.start":
            self._head, self._status = message, message["status"]
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if body or self._head is not None:
            await self.wait()
        if body:
            self._entry.note(chunks=self.call.chunks + 1)
        if not more:
            self.end(answered=True)
        if self._head is not None:
            head, self._head = self._head, None
            await self._send(head)
        await self._send(message)
        self._due = time.perf_counter() + self._latency()

    def end(self, *, answered: bool = False, hung_up: bool = False, lost: int | None = None) -> None:
        """Note the end: answered, hung up by the client, or else dropped. Only the first end counts.

        `lost` is the status of an answer that was dropped after the call was served.
        """
        if not self.call.in_progress:
            return
        now = time.perf_counter()
        self._entry.note(
            ended=now,
            answered=now if answered else None,
            status=self._status if answered else lost,
            beats_on_answer=self._pulse.beats if self._pulse else None,
            hung_up=hung_up,
        )
