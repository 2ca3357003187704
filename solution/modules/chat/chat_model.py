"""The language model behind the conversation: what kind of answer is wanted, the answer itself, and a summary."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

import httpx
from groq import APIError, AsyncGroq
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel, ConfigDict

from ...core.exceptions import ChatError
from ...settings import Settings

CHARACTER_PROMPT = """You are Mira, a friend to write and talk to. You are curious, warm and to the point. You answer in
a few sentences, in the language of the last message, and never as an assistant would."""

ROUTER_PROMPT = """Decide how Mira answers the last message of the conversation: with a picture ("image") if it asks to
see something, with her voice ("audio") if it asks to hear her, and in words ("conversation") otherwise."""

SUMMARY_PROMPT = """Summarize the conversation in a few sentences, so that Mira can go on with it."""

Workflow = Literal["conversation", "image", "audio"]


class Route(BaseModel):
    """How a message is answered."""

    model_config = ConfigDict(extra="forbid")

    workflow: Workflow


class ChatModel:
    """Talks, by way of a language model at Groq.

    Args:
        settings: Where the key and the limits come from; read from the environment if None.

    Raises:
        ValueError: If GROQ_API_KEY is not set.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        if not self._settings.GROQ_API_KEY.get_secret_value():
            raise ValueError("GROQ_API_KEY is not set: put it into the environment or into .env")
        self._client = AsyncGroq(
            api_key=self._settings.GROQ_API_KEY.get_secret_value(),
            base_url=self._settings.GROQ_BASE_URL,
            timeout=self._settings.CHAT_TIMEOUT_SECONDS,
            max_retries=0,
        )

    async def route(self, messages: Sequence[BaseMessage]) -> Workflow:
        """Decide how the last message of a conversation is answered.

        Raises:
            ChatError: If Groq failed, or answered with something else than a route.
        """
        try:
            completion = await self._client.chat.completions.create(
                model=self._settings.CHAT_MODEL_NAME,
                messages=[{"role": "system", "content": ROUTER_PROMPT}, *_as_groq_takes_them(messages)],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "route", "strict": True, "schema": Route.model_json_schema()},
                },
            )
            return Route.model_validate_json(completion.choices[0].message.content or "").workflow
        except (APIError, ValueError) as error:
            raise ChatError(f"no way to answer was found: {error}") from error

    async def answer(self, messages: Sequence[BaseMessage], *, memories: str, summary: str) -> AsyncIterator[str]:
        """Answer the last message of a conversation, piece by piece as the words come.

        Args:
            messages: The conversation, oldest first.
            memories: What is remembered of the other one, a line each; may be empty.
            summary: What was said before the first message; may be empty.

        Raises:
            ChatError: If Groq failed.
        """
        prompt = CHARACTER_PROMPT
        if memories:
            prompt += f"\n\nWhat you know about the other one:\n{memories}"
        if summary:
            prompt += f"\n\nWhat you have talked about before:\n{summary}"
        try:
            stream = await self._client.chat.completions.create(
                model=self._settings.CHAT_MODEL_NAME,
                messages=[{"role": "system", "content": prompt}, *_as_groq_takes_them(messages)],
                stream=True,
            )
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content
        except (APIError, httpx.HTTPError, ValueError) as error:
            raise ChatError(f"no answer came: {error}") from error

    async def summarize(self, messages: Sequence[BaseMessage], summary: str) -> str:
        """Put a conversation into a few sentences.

        Args:
            messages: The conversation, oldest first.
            summary: What was said before the first message; may be empty.

        Raises:
            ChatError: If Groq failed.
        """
        prompt = f"{SUMMARY_PROMPT}\n\nWhat was said before:\n{summary}" if summary else SUMMARY_PROMPT
        try:
            completion = await self._client.chat.completions.create(
                model=self._settings.CHAT_MODEL_NAME,
                messages=[{"role": "system", "content": prompt}, *_as_groq_takes_them(messages)],
            )
            return completion.choices[0].message.content or ""
        except (APIError, ValueError) as error:
            raise ChatError(f"no summary came: {error}") from error

    async def close(self) -> None:
        """Close the connections to Groq."""
        await self._client.close()


def _as_groq_takes_them(messages: Sequence[BaseMessage]) -> list[Any]:
    return [
        {"role": "assistant" if isinstance(message, AIMessage) else "user", "content": str(message.content)}
        for message in messages
    ]
