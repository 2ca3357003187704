"""The store behind the long-term memory: texts, found again by what they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import httpx
from langgraph.store.memory import InMemoryStore

from ....core.exceptions import LongTermMemoryError
from ....settings import Settings


@dataclass(frozen=True)
class Memory:
    """Something remembered, and how near it is to what was asked for, at most 1."""

    text: str
    score: float


class VectorStore:
    """Keeps memories by their embeddings, each owner's apart from all others'.

    Args:
        settings: Where the key and the limits come from.

    Raises:
        ValueError: If EMBEDDINGS_API_KEY is not set.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if not settings.EMBEDDINGS_API_KEY.get_secret_value():
            raise ValueError("EMBEDDINGS_API_KEY is not set: put it into the environment or into .env")
        self._http = httpx.AsyncClient(
            base_url=settings.EMBEDDINGS_BASE_URL,
            headers={"authorization": f"Bearer {settings.EMBEDDINGS_API_KEY.get_secret_value()}"},
            timeout=settings.EMBEDDINGS_TIMEOUT_SECONDS,
        )
        self._store = InMemoryStore(
            index={"dims": settings.EMBEDDINGS_DIMENSIONS, "embed": self._embed, "fields": ["text"]}
        )

    async def store_memory(self, owner: str, text: str) -> None:
        """Keep a text.

        Raises:
            LongTermMemoryError: If the embedding service failed.
        """
        await self._store.aput(_namespace(owner), str(uuid4()), {"text": text})

    async def search_memories(self, owner: str, query: str, limit: int) -> Sequence[Memory]:
        """The owner's memories that are nearest to a query, the nearest first, at most `limit`.

        Raises:
            LongTermMemoryError: If the embedding service failed.
        """
        found = await self._store.asearch(_namespace(owner), query=query, limit=limit)
        return [Memory(item.value["text"], item.score or 0.0) for item in found]

    async def close(self) -> None:
        """Close the connections to the embedding service."""
        await self._http.aclose()

    async def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            answer = await self._http.post(
                "/v1/embeddings",
                json={
                    "model": self._settings.EMBEDDINGS_MODEL_NAME,
                    "input": list(texts),
                    "dimensions": self._settings.EMBEDDINGS_DIMENSIONS,
                },
            )
            answer.raise_for_status()
            return [entry["embedding"] for entry in answer.json()["data"]]
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            raise LongTermMemoryError(f"the embedding service failed: {error}") from error


def _namespace(owner: str) -> tuple[str, str]:
    return (owner, "memories")
