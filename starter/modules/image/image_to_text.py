"""Image to text: what is to be seen in a picture, by way of a vision model at Groq."""

import base64

from groq import APIError, AsyncGroq

from ...core.exceptions import ImageToTextError
from ...settings import Settings

DESCRIBE_PROMPT = "Describe what is to be seen in this picture, in two or three sentences."

SIGNATURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
"""First bytes of the formats that the model takes, and their media types."""

MAX_IMAGE_BYTES = 3 * 1024 * 1024
"""The largest picture: Groq takes a request of 4 MB, in which base64 makes a picture a third larger."""


class ImageToText:
    """Describes pictures.

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
            timeout=self._settings.VISION_TIMEOUT_SECONDS,
            max_retries=0,
        )

    async def analyze_image(self, image_data: bytes, prompt: str = "") -> str:
        """Describe a picture.

        Args:
            image_data: The picture's bytes, at most `MAX_IMAGE_BYTES`: PNG, JPEG, GIF or WebP.
            prompt: What is asked about it; empty for a description.

        Raises:
            ValueError: If the picture is empty or too large, or of an unknown format.
            ImageToTextError: If Groq failed, or said nothing.
        """
        media_type = _media_type(image_data)
        url = f"data:{media_type};base64,{base64.b64encode(image_data).decode()}"
        try:
            completion = await self._client.chat.completions.create(
                model=self._settings.VISION_MODEL_NAME,
                messages=[
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": prompt or DESCRIBE_PROMPT},
                            {"type": "image_url", "image_url": {"url": url}},
                        ],
                    }
                ],
            )
        except (APIError, ValueError) as error:
            raise ImageToTextError(f"the picture was not looked at: {error}") from error
        if not completion.choices or not completion.choices[0].message.content:
            raise ImageToTextError("nothing was said about the picture")
        return completion.choices[0].message.content

    async def close(self) -> None:
        """Close the connections to Groq."""
        await self._client.close()


def _media_type(image_data: bytes) -> str:
    if not image_data:
        raise ValueError("the picture is empty")
    if len(image_data) > MAX_IMAGE_BYTES:
        raise ValueError(f"the picture has {len(image_data)} bytes, more than {MAX_IMAGE_BYTES}")
    for signature, media_type in SIGNATURES.items():
        if image_data.startswith(signature):
            return media_type
    raise ValueError("the picture is none of PNG, JPEG, GIF and WebP")
