"""Speech to text: a voice note in, its words out, by way of Groq's Whisper models."""

import asyncio
import logging

from groq import APIError, AsyncGroq

from ...core.exceptions import CircuitOpenError, SpeechToTextError
from ...core.resilience import CircuitBreaker, is_callers_fault
from ...settings import Settings

logger = logging.getLogger(__name__)

AUDIO_TYPES = {
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}
"""Formats that Groq takes, and their media types."""

MAX_AUDIO_BYTES = 25 * 1024 * 1024
"""The largest file that Groq's free tier takes."""


class SpeechToText:
    """Turns voice notes into text.

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
            timeout=self._settings.STT_TIMEOUT_SECONDS,
            max_retries=0,
        )
        self._circuit_breaker = CircuitBreaker(
            "Groq",
            failure_threshold=self._settings.BREAKER_FAILURE_THRESHOLD,
            recovery_seconds=self._settings.BREAKER_RECOVERY_SECONDS,
        )

    async def transcribe(self, audio_data: bytes, audio_format: str | None = None) -> str:
        """Turn a voice note into text.

        A failure of the provider (429, 5xx, no answer) is retried with a growing pause; a refusal (400, 401) is not.

        Args:
            audio_data: The audio file's bytes, at most `MAX_AUDIO_BYTES`.
            audio_format: One of `AUDIO_TYPES`; None means "wav".

        Raises:
            ValueError: If the audio is empty or too large, or the format is unknown.
            SpeechToTextError: If Groq refused, kept failing, or heard nothing.
        """
        audio_format = _checked(audio_data, audio_format)

        async def _call_groq_api(audio: bytes) -> str:
            return await self._client.audio.transcriptions.create(
                file=(f"audio.{audio_format}", audio, AUDIO_TYPES[audio_format]),
                model=self._settings.STT_MODEL_NAME,
                response_format="text",
            )

        backoff_time = self._settings.STT_BACKOFF_SECONDS
        for attempt in range(1, self._settings.STT_MAX_ATTEMPTS + 1):
            try:
                transcription: str = await self._circuit_breaker.call_async(_call_groq_api, audio_data)
                break
            except CircuitOpenError as error:
                raise SpeechToTextError(str(error)) from error
            except APIError as error:
                if is_callers_fault(error) or attempt == self._settings.STT_MAX_ATTEMPTS:
                    raise SpeechToTextError(f"Groq failed at attempt {attempt}: {error}") from error
                logger.warning("Attempt %d failed, next in %.1f s: %s", attempt, backoff_time, error)
                await asyncio.sleep(backoff_time)
                backoff_time *= self._settings.STT_BACKOFF_FACTOR

        if not transcription.strip():
            raise SpeechToTextError("Groq heard nothing in the voice note")
        return transcription.strip()

    async def close(self) -> None:
        """Close the connections to Groq."""
        await self._client.close()


def _checked(audio_data: bytes, audio_format: str | None) -> str:
    if not audio_data:
        raise ValueError("the audio is empty")
    if len(audio_data) > MAX_AUDIO_BYTES:
        raise ValueError(f"the audio has {len(audio_data)} bytes, more than {MAX_AUDIO_BYTES}")
    audio_format = (audio_format or "wav").lower()
    if audio_format not in AUDIO_TYPES:
        raise ValueError(f"audio format {audio_format!r} is not one of {', '.join(AUDIO_TYPES)}")
    return audio_format
