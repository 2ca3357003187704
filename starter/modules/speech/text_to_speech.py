"""Text to speech: words in, a voice out, by way of ElevenLabs."""

import logging

import httpx
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError

from ...core.exceptions import CircuitOpenError, TextToSpeechError
from ...core.resilience import CircuitBreaker
from ...settings import Settings

logger = logging.getLogger(__name__)


class TextToSpeech:
    """Gives the companion its voice.

    Args:
        settings: Where the key and the limits come from; read from the environment if None.

    Raises:
        ValueError: If ELEVENLABS_API_KEY is not set.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        if not self._settings.ELEVENLABS_API_KEY.get_secret_value():
            raise ValueError("ELEVENLABS_API_KEY is not set: put it into the environment or into .env")
        self._http = httpx.Client(timeout=self._settings.TTS_TIMEOUT_SECONDS)
        self._client = ElevenLabs(
            api_key=self._settings.ELEVENLABS_API_KEY.get_secret_value(),
            base_url=self._settings.ELEVENLABS_BASE_URL,
            timeout=self._settings.TTS_TIMEOUT_SECONDS,
            httpx_client=self._http,
        )
        self._circuit_breaker = CircuitBreaker(
            "ElevenLabs",
            failure_threshold=self._settings.BREAKER_FAILURE_THRESHOLD,
            recovery_seconds=self._settings.BREAKER_RECOVERY_SECONDS,
        )

    async def synthesize(self, text: str, voice_id: str | None = None) -> bytes:
        """Turn a text into speech.

        Args:
            text: What to say, at most TTS_MAX_CHARACTERS characters.
            voice_id: Whose voice; None means ELEVENLABS_VOICE_ID.

        Returns:
            An MP3 file.

        Raises:
            ValueError: If the text is empty or too long.
            CircuitOpenError: If ElevenLabs failed too often a moment ago; it is not asked.
            TextToSpeechError: If ElevenLabs failed or sent no sound.
        """
        if not text.strip():
            raise ValueError("the text is empty")
        if len(text) > self._settings.TTS_MAX_CHARACTERS:
            raise ValueError(f"the text has {len(text)} characters, more than {self._settings.TTS_MAX_CHARACTERS}")

        def _call_elevenlabs_api() -> bytes:
            audio_generator = self._client.text_to_speech.convert(
                voice_id=voice_id or self._settings.ELEVENLABS_VOICE_ID,
                text=text,
                model_id=self._settings.TTS_MODEL_NAME,
            )
            return b"".join(audio_generator)

        try:
            audio_bytes: bytes = self._circuit_breaker.call(_call_elevenlabs_api)
        except (ApiError, httpx.HTTPError) as error:
            raise TextToSpeechError(f"ElevenLabs failed: {error}") from error
        if not audio_bytes:
            raise TextToSpeechError("ElevenLabs sent no sound")
        return audio_bytes

    async def synthesize_with_fallback(self, text: str, voice_id: str | None = None) -> bytes | None:
        """Turn a text into speech, or give None where the answer has to do without a voice.

        Raises:
            ValueError: If the text is empty or too long.
        """
        try:
            return await self.synthesize(text, voice_id)
        except (CircuitOpenError, TextToSpeechError) as error:
            logger.warning("Answering in text only: %s", error)
            return None

    async def close(self) -> None:
        """Close the connections to ElevenLabs."""
        self._http.close()
