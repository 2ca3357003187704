"""Keeping a failing provider from dragging the companion down with it."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import ParamSpec, TypeVar

from .exceptions import CircuitOpenError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class CircuitState(StrEnum):
    """Whether calls are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


def is_callers_fault(error: Exception) -> bool:
    """Whether a provider answered and refused: a 4xx other than 408 (timeout) and 429 (too many requests)."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in (408, 429)


class CircuitBreaker:
    """Stops calling a provider that keeps failing, and tries it again after a while.

    Closed, it lets every call through. After `failure_threshold` failures in a row it opens and refuses calls without
    making them. After `recovery_seconds` it is half-open: the next call is a probe that closes it or opens it again.

    Args:
        name: The provider's name, for messages.
        failure_threshold: Failures in a row that open the breaker.
        recovery_seconds: How long it stays open.
    """

    def __init__(self, name: str, *, failure_threshold: int = 5, recovery_seconds: float = 30.0) -> None:
        self._name = name
        self._failure_threshold = failure_threshold
        self._recovery_seconds = recovery_seconds
        self._failures = 0
        self._opened_at = 0.0
        self._state = CircuitState.CLOSED

    @property
    def state(self) -> CircuitState:
        """The state as the last call left it."""
        return self._state

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function.

        Raises:
            CircuitOpenError: If the breaker is open; the function is not called.
            Exception: Whatever the function raises.
        """
        with self._guard():
            return func(*args, **kwargs)

    async def call_async(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await a coroutine function.

        Raises:
            CircuitOpenError: If the breaker is open; the function is not called.
            Exception: Whatever the function raises.
        """
        with self._guard():
            return await func(*args, **kwargs)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        self._admit()
        try:
            yield
        except Exception as error:
            if is_callers_fault(error):
                self._on_success()
            else:
                self._on_failure()
            raise
        self._on_success()

    def _admit(self) -> None:
        if self._state is CircuitState.OPEN:
            remaining = self._opened_at + self._recovery_seconds - time.monotonic()
            if remaining > 0:
                raise CircuitOpenError(self._name, remaining)
            self._state = CircuitState.HALF_OPEN

    def _on_success(self) -> None:
        self._failures = 0
        self._state = CircuitState.CLOSED

    def _on_failure(self) -> None:
        self._failures += 1
        if self._state is CircuitState.HALF_OPEN or self._failures >= self._failure_threshold:
            logger.warning("%s failed %d times in a row, giving it a rest", self._name, self._failures)
            self._opened_at = time.monotonic()
            self._state = CircuitState.OPEN
