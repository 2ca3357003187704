"""Text to image: what the companion sees in its mind, drawn by an image service."""

import asyncio
import base64
import logging
from collections.abc import Sequence
from pathlib import Path

import httpx
from groq import APIError, AsyncGroq
from pydantic import BaseModel, ConfigDict

from ...core.exceptions import TextToImageError
from ...settings import Settings

logger = logging.getLogger(__name__)

SCENARIO_PROMPT = """You are the companion in the conversation below. Imagine a scene of your own day that answers its
last message. Tell it in the first person, in two or three sentences, and describe the picture one would take of it."""


class ScenarioPrompt(BaseModel):
    """A scene: what the companion tells, and what the image service shall draw."""

    model_config = ConfigDict(extra="forbid")

    narrative: str
    image_prompt: str


class TextToImage:
    """Imagines scenes and has them drawn.

    Args:
        settings: Where the keys and the limits come from; read from the environment if None.

    Raises:
        ValueError: If GROQ_API_KEY or IMAGES_API_KEY is not set.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        for name in ("GROQ_API_KEY", "IMAGES_API_KEY"):
            if not getattr(self._settings, name).get_secret_value():
                raise ValueError(f"{name} is not set: put it into the environment or into .env")
        self._groq = AsyncGroq(
            api_key=self._settings.GROQ_API_KEY.get_secret_value(),
            base_url=self._settings.GROQ_BASE_URL,
            timeout=self._settings.CHAT_TIMEOUT_SECONDS,
            max_retries=0,
        )
        self._http = httpx.AsyncClient(
            base_url=self._settings.IMAGES_BASE_URL,
            headers={"authorization": f"Bearer {self._settings.IMAGES_API_KEY.get_secret_value()}"},
            timeout=self._settings.IMAGE_TIMEOUT_SECONDS,
        )

    async def create_scenario(self, history: Sequence[str]) -> ScenarioPrompt:
        """Imagine a scene that answers a conversation.

        Args:
            history: The last messages of the conversation, oldest first.

        Raises:
            TextToImageError: If Groq failed, or answered with something else than a scene.
        """
        try:
            completion = await self._groq.chat.completions.create(
                model=self._settings.CHAT_MODEL_NAME,
                messages=[
                    {"role": "system", "content": SCENARIO_PROMPT},
                    {"role": "user", "content": "\n".join(history)},
                ],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "scenario", "strict": True, "schema": ScenarioPrompt.model_json_schema()},
                },
            )
            return ScenarioPrompt.model_validate_json(completion.choices[0].message.content or "")
        except (APIError, ValueError) as error:
            raise TextToImageError(f"no scene came to mind: {error}") from error

    async def generate_image(self, prompt: str, output_path: str = "") -> bytes:
        """Have a picture drawn.

        Args:
            prompt: What to draw.
            output_path: Where to keep the picture, in a folder that exists; empty for nowhere.

        Returns:
            The picture, a PNG file.

        Raises:
            ValueError: If the prompt is empty.
            TextToImageError: If the image service failed, or answered with something else than a picture.
            OSError: If the picture cannot be written.
        """
        if not prompt.strip():
            raise ValueError("the prompt is empty")
        try:
            answer = await self._http.post(
                "/v1/images/generations",
                json={
                    "model": self._settings.IMAGE_MODEL_NAME,
                    "prompt": prompt,
                    "response_format": "b64_json",
                },
            )
            answer.raise_for_status()
            image = base64.b64decode(answer.json()["data"][0]["b64_json"], validate=True)
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            raise TextToImageError(f"the image service failed: {error}") from error
        if output_path:
            await asyncio.to_thread(Path(output_path).write_bytes, image)
        return image

    async def close(self) -> None:
        """Close the connections to Groq and to the image service."""
        await self._groq.close()
        await self._http.aclose()
