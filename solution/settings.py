"""Settings of the companion, read from the environment or a `.env` file."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that differs between one installation and the next. Times are in seconds."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    GROQ_API_KEY: SecretStr = SecretStr("")
    GROQ_BASE_URL: str = "https://api.groq.com"
    ELEVENLABS_API_KEY: SecretStr = SecretStr("")
    ELEVENLABS_BASE_URL: str = "https://api.elevenlabs.io"
    ELEVENLABS_VOICE_ID: str = "21m00Tcm4TlvDq8ikWAM"
    EMBEDDINGS_API_KEY: SecretStr = SecretStr("")
    EMBEDDINGS_BASE_URL: str = "https://api.openai.com"
    IMAGES_API_KEY: SecretStr = SecretStr("")
    IMAGES_BASE_URL: str = "https://api.together.xyz"
    WHATSAPP_TOKEN: SecretStr = SecretStr("")
    WHATSAPP_BASE_URL: str = "https://graph.facebook.com"
    WHATSAPP_API_VERSION: str = "v23.0"
    WHATSAPP_PHONE_NUMBER_ID: str = ""
    WHATSAPP_VERIFY_TOKEN: SecretStr = SecretStr("")
    WHATSAPP_TIMEOUT_SECONDS: float = Field(20.0, gt=0)

    SHORT_TERM_MEMORY_DB_PATH: str = "short_term_memory.db"
    WORKFLOW_TIMEOUT_SECONDS: float = Field(60.0, gt=0)
    ROUTER_MESSAGES: int = Field(3, ge=1)
    SUMMARY_TRIGGER_MESSAGES: int = Field(20, ge=3)
    SUMMARY_KEPT_MESSAGES: int = Field(6, ge=1)

    CHAT_MODEL_NAME: str = "openai/gpt-oss-20b"
    CHAT_TIMEOUT_SECONDS: float = Field(30.0, gt=0)

    VISION_MODEL_NAME: str = "meta-llama/llama-4-scout-17b-16e-instruct"
    VISION_TIMEOUT_SECONDS: float = Field(30.0, gt=0)

    IMAGE_MODEL_NAME: str = "black-forest-labs/FLUX.1-schnell"
    IMAGE_TIMEOUT_SECONDS: float = Field(60.0, gt=0)
    IMAGE_FOLDER: str = "generated_images"
    IMAGE_HISTORY_MESSAGES: int = Field(5, ge=1)

    EMBEDDINGS_MODEL_NAME: str = "text-embedding-3-small"
    EMBEDDINGS_DIMENSIONS: int = Field(256, ge=1)
    EMBEDDINGS_TIMEOUT_SECONDS: float = Field(10.0, gt=0)
    MEMORY_TOP_K: int = Field(3, ge=1)
    MEMORY_SIMILARITY: float = Field(0.9, ge=0, le=1)

    STT_MODEL_NAME: str = "whisper-large-v3-turbo"
    STT_TIMEOUT_SECONDS: float = Field(30.0, gt=0)
    STT_MAX_ATTEMPTS: int = Field(3, ge=1)
    STT_BACKOFF_SECONDS: float = Field(1.0, ge=0)
    STT_BACKOFF_FACTOR: float = Field(2.0, ge=1)

    TTS_MODEL_NAME: str = "eleven_flash_v2_5"
    TTS_TIMEOUT_SECONDS: float = Field(30.0, gt=0)
    TTS_MAX_CHARACTERS: int = Field(5000, gt=0)

    BREAKER_FAILURE_THRESHOLD: int = Field(5, ge=1)
    BREAKER_RECOVERY_SECONDS: float = Field(30.0, ge=0)
