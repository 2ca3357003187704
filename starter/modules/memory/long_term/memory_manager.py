"""Long-term memory: what is worth keeping of a conversation, and what of it matters now."""

import logging
from collections.abc import Sequence

from groq import APIError, AsyncGroq
from pydantic import BaseModel, ConfigDict

from ....core.exceptions import LongTermMemoryError
from ....settings import Settings
from .vector_store import VectorStore

logger = logging.getLogger(__name__)

ANALYSIS_PROMPT = """Does the message tell something about its writer that a friend would still know next month: a
name, a place, a habit, a plan? If so, put it into one short sentence in the third person, without greetings."""


class MemoryAnalysis(BaseModel):
    """Whether a message is worth remembering, and in which words."""

    model_config = ConfigDict(extra="forbid")

    is_important: bool
    formatted_memory: str | None


class MemoryManager:
    """Decides what to remember, and recalls it.

    Args:
        settings: Where the keys and the limits come from; read from the environment if None.

    Raises:
        ValueError: If GROQ_API_KEY or EMBEDDINGS_API_KEY is not set.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        if not self._settings.GROQ_API_KEY.get_secret_value():
            raise ValueError("GROQ_API_KEY is not set: put it into the environment or into .env")
        self._vector_store = VectorStore(self._settings)
        self._groq = AsyncGroq(
            api_key=self._settings.GROQ_API_KEY.get_secret_value(),
            base_url=self._settings.GROQ_BASE_URL,
            timeout=self._settings.CHAT_TIMEOUT_SECONDS,
            max_retries=0,
        )

    async def extract_and_store_memories(self, owner: str, message: str) -> None:
        """Keep what a message tells about its writer, unless it is known already.

        A provider that fails is logged, and nothing is kept.
        """
        try:
            analysis = await self._analyze(message)
            if not (analysis.is_important and analysis.formatted_memory):
                return
            known = self._vector_store.search_memories(owner, analysis.formatted_memory, limit=1)
            if not known or known[0].score < self._settings.MEMORY_SIMILARITY:
                self._vector_store.store_memory(owner, analysis.formatted_memory)
        except LongTermMemoryError as error:
            logger.warning("Nothing was remembered: %s", error)

    def get_relevant_memories(self, owner: str, context: str) -> Sequence[str]:
        """What is remembered that has to do with a context, at most MEMORY_TOP_K texts, the nearest first.

        A memory service that fails is logged, and nothing is recalled.
        """
        if not context.strip():
            return []
        try:
            memories = self._vector_store.search_memories(owner, context, limit=self._settings.MEMORY_TOP_K)
        except LongTermMemoryError as error:
            logger.warning("Nothing was recalled: %s", error)
            return []
        return [memory.text for memory in memories]

    def format_memories_for_prompt(self, memories: Sequence[str]) -> str:
        """The memories as a list in Markdown; empty if there are none."""
        return "\n".join(f"- {memory}" for memory in memories)

    async def close(self) -> None:
        """Close the connections to Groq and to the embedding service."""
        await self._groq.close()
        self._vector_store.close()

    async def _analyze(self, message: str) -> MemoryAnalysis:
        try:
            completion = await self._groq.chat.completions.create(
                model=self._settings.CHAT_MODEL_NAME,
                messages=[{"role": "system", "content": ANALYSIS_PROMPT}, {"role": "user", "content": message}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "memory", "strict": True, "schema": MemoryAnalysis.model_json_schema()},
                },
            )
            return MemoryAnalysis.model_validate_json(completion.choices[0].message.content or "")
        except (APIError, ValueError) as error:
            raise LongTermMemoryError(f"the message could not be analysed: {error}") from error
