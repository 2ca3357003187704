"""Messages from WhatsApp, and the companion's replies, by way of the Graph API."""

import asyncio
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from fastapi import APIRouter, Request, Response
from langchain_core.messages import HumanMessage
from langgraph.graph.state import CompiledStateGraph

from ...core.exceptions import CompanionError, ImageToTextError, SpeechToTextError, WhatsAppError
from ...graph.state import Services
from ...settings import Settings

logger = logging.getLogger(__name__)

whatsapp_router = APIRouter()

APOLOGY = "I am sorry, my head is somewhere else right now. Will you write to me again in a while?"
NOT_HEARD = "I am sorry, I could not hear your voice note. Will you write it to me?"

UPLOADS = {"audio": ("audio.mp3", "audio/mpeg"), "image": ("image.png", "image/png")}
"""File name and media type of what is uploaded, by the type of the message."""

CONTENT = {"audio": "id", "image": "id", "text": "body"}
"""What a user's message has to carry, by its type; nothing is asked of the types that are not looked into."""


@dataclass(frozen=True)
class Reply:
    """What the companion answers: words, and speech or the path of a picture where there is one."""

    text: str
    audio: bytes = b""
    image_path: str = ""


@whatsapp_router.api_route("/whatsapp_response", methods=["GET", "POST"])
async def whatsapp_handler(request: Request) -> Response:
    """Answer WhatsApp: its verification of this webhook, users' messages, or the news of what became of replies."""
    services: Services = request.app.state.services
    if request.method == "GET":
        return _verify(request, services.settings)

    try:
        messages, statuses = _read(await request.json())
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        logger.warning("WhatsApp sent something unknown: %r", error)
        return Response(content="Malformed event", status_code=400)
    if not messages:
        if statuses:
            return Response(content="Status update received", status_code=200)
        return Response(content="Unknown event type", status_code=400)

    client: httpx.AsyncClient = request.app.state.whatsapp_client
    for message in messages:
        reply = await _reply_to(message, message["from"], request.app.state.graph, services, client)
        message_type, media_content = ("audio", reply.audio) if reply.audio else ("text", None)
        if reply.image_path:
            try:
                image_data = await asyncio.to_thread(Path(reply.image_path).read_bytes)
                message_type, media_content = "image", image_data
            except OSError as error:
                logger.warning("Answering without the picture: %s", error)
        if not await send_response(client, services.settings, message["from"], reply.text, message_type, media_content):
            return Response(content="Failed to send message", status_code=500)
    return Response(content="Message processed", status_code=200)


async def download_media(client: httpx.AsyncClient, settings: Settings, media_id: str) -> bytes:
    """Fetch what a user has sent.

    Raises:
        WhatsAppError: If WhatsApp does not hand it out.
    """
    headers = {"Authorization": f"Bearer {settings.WHATSAPP_TOKEN.get_secret_value()}"}
    try:
        metadata = await client.get(_url(settings, media_id), headers=headers)
        metadata.raise_for_status()
        media = await client.get(metadata.json()["url"], headers=headers)
        media.raise_for_status()
    except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
        raise WhatsAppError(f"media {media_id} could not be downloaded: {error}") from error
    return media.content


async def upload_media(
    client: httpx.AsyncClient, settings: Settings, media_content: bytes, message_type: Literal["audio", "image"]
) -> str:
    """Hand over what a reply will refer to.

    Returns:
        The media's id.

    Raises:
        WhatsAppError: If WhatsApp does not take it.
    """
    filename, media_type = UPLOADS[message_type]
    try:
        answer = await client.post(
            _url(settings, settings.WHATSAPP_PHONE_NUMBER_ID, "media"),
            headers={"Authorization": f"Bearer {settings.WHATSAPP_TOKEN.get_secret_value()}"},
            data={"messaging_product": "whatsapp", "type": media_type},
            files={"file": (filename, media_content, media_type)},
        )
        answer.raise_for_status()
        return answer.json()["id"]
    except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
        raise WhatsAppError(f"the {message_type} could not be uploaded: {error}") from error


async def send_response(
    client: httpx.AsyncClient,
    settings: Settings,
    to: str,
    text: str,
    message_type: Literal["text", "audio", "image"] = "text",
    media_content: bytes | None = None,
) -> bool:
    """Send a reply; one whose media is not taken is sent as text.

    Returns:
        Whether WhatsApp has taken it.
    """
    payload: dict[str, Any] = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}}
    if message_type != "text" and media_content is not None:
        try:
            media: dict[str, str] = {"id": await upload_media(client, settings, media_content, message_type)}
            if message_type == "image":
                media["caption"] = text
            payload = {"messaging_product": "whatsapp", "to": to, "type": message_type, message_type: media}
        except WhatsAppError as error:
            logger.warning("Answering in text only: %s", error)
    try:
        answer = await client.post(
            _url(settings, settings.WHATSAPP_PHONE_NUMBER_ID, "messages"),
            headers={"Authorization": f"Bearer {settings.WHATSAPP_TOKEN.get_secret_value()}"},
            json=payload,
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        logger.error("A reply was not taken: %s", error)
        return False
    return True


def _verify(request: Request, settings: Settings) -> Response:
    expected = settings.WHATSAPP_VERIFY_TOKEN.get_secret_value()
    token = request.query_params.get("hub.verify_token", "")
    if expected and secrets.compare_digest(token.encode(), expected.encode()):
        return Response(content=request.query_params.get("hub.challenge", ""), status_code=200)
    return Response(content="Verification token mismatch", status_code=403)


def _read(notification: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """The messages and the statuses that a notification brings, in order: WhatsApp may put several into one.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: If it is none.
    """
    values = [change["value"] for entry in notification["entry"] for change in entry["changes"]]
    messages = [message for value in values for message in value.get("messages", [])]
    for message in messages:
        kind = message["type"]
        needed = [message["from"]] + ([message[kind][CONTENT[kind]]] if kind in CONTENT else [])
        if not (message["from"] and all(isinstance(text, str) for text in needed)):
            raise ValueError(f"a message of type {kind} that lacks its sender or its content")
    return messages, [status for value in values for status in value.get("statuses", [])]


async def _reply_to(
    message: dict[str, Any],
    from_number: str,
    graph: CompiledStateGraph,
    services: Services,
    client: httpx.AsyncClient,
) -> Reply:
    try:
        content = await _content_of(message, services, client)
        async with asyncio.timeout(services.settings.WORKFLOW_TIMEOUT_SECONDS):
            state = await graph.ainvoke(
                {"messages": [HumanMessage(content=content)]},
                {"configurable": {"thread_id": from_number, "services": services}},
            )
    except (SpeechToTextError, WhatsAppError) as error:
        logger.warning("A message was not understood: %s", error)
        return Reply(NOT_HEARD)
    except (CompanionError, OSError, TimeoutError) as error:
        logger.warning("A message was not answered: %r", error)
        return Reply(APOLOGY)
    text = str(state["messages"][-1].content)
    if state["workflow"] == "audio":
        return Reply(text, audio=state["audio_buffer"])
    return Reply(text, image_path=state["image_path"] if state["workflow"] == "image" else "")


async def _content_of(message: dict[str, Any], services: Services, client: httpx.AsyncClient) -> str:
    """A user's message in words.

    Raises:
        SpeechToTextError: If it is a voice note that could not be understood.
        WhatsAppError: If it is a voice note that could not be downloaded.
    """
    match message.get("type"):
        case "audio":
            audio = await download_media(client, services.settings, message["audio"]["id"])
            try:
                return await services.speech_to_text.transcribe(audio, "ogg")
            except ValueError as error:
                raise SpeechToTextError(str(error)) from error
        case "image":
            caption = message["image"].get("caption", "")
            try:
                image = await download_media(client, services.settings, message["image"]["id"])
                description = await services.image_to_text.analyze_image(image, caption)
            except (WhatsAppError, ImageToTextError, ValueError) as error:
                logger.warning("A picture was not looked at: %s", error)
                return caption or "(a picture that could not be looked at)"
            return f"{caption}\n[Picture: {description}]".strip()
        case "text":
            return message["text"]["body"]
        case other:
            return f"(a message of type {other})"


def _url(settings: Settings, *parts: str) -> str:
    return "/".join((settings.WHATSAPP_BASE_URL, settings.WHATSAPP_API_VERSION, *parts))
