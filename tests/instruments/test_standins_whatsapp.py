"""WhatsApp's stand-in, driven by httpx as the webhook does."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from kata.instruments.standins import WhatsAppStandIn

VOICE = b"OggS\x00\x02" + bytes(range(256))
TEXT = {"messaging_product": "whatsapp", "to": "+491701234567", "type": "text", "text": {"body": "Hello"}}


@pytest.fixture
def whatsapp() -> Iterator[WhatsAppStandIn]:
    with WhatsAppStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(whatsapp: WhatsAppStandIn) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=whatsapp.base_url, headers={"authorization": "Bearer token-of-the-test"}) as client:
        yield client


def upload(client: httpx.Client, data: bytes = VOICE, **fields: str) -> httpx.Response:
    fields = {"messaging_product": "whatsapp", "type": "audio/ogg", **fields}
    return client.post("/v21.0/123/media", data=fields, files={"file": ("reply.ogg", data, "audio/ogg")})


def error(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_error
    return answer.json()["error"]


def test_media_of_a_user_are_described_and_downloaded(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    media_id = whatsapp.add_media(VOICE, "audio/ogg; codecs=opus")
    described = client.get(f"/v21.0/{media_id}").json()
    assert described.pop("url").startswith(whatsapp.base_url)
    assert described == {
        "mime_type": "audio/ogg; codecs=opus",
        "sha256": sha256(VOICE).hexdigest(),
        "file_size": len(VOICE),
        "id": media_id,
        "messaging_product": "whatsapp",
    }


def test_media_may_be_on_another_host(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    whatsapp.media_host = "https://media.example"
    media_id = whatsapp.add_media(VOICE, "audio/ogg")
    assert client.get(f"/v21.0/{media_id}").json()["url"].startswith("https://media.example/whatsapp_business/")


def test_a_download_is_byte_for_byte_and_needs_the_token(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    media_id = whatsapp.add_media(VOICE, "audio/ogg; codecs=opus")
    url = client.get(f"/v21.0/{media_id}").json()["url"]
    answer = client.get(url)
    assert answer.content == VOICE
    assert answer.headers["content-type"] == "audio/ogg; codecs=opus"
    assert httpx.get(url).status_code == 401


def test_an_upload_is_kept_byte_for_byte(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    media_id = upload(client).json()["id"]
    (media,) = whatsapp.uploads
    assert (media.id, media.data, media.mime_type, media.filename) == (media_id, VOICE, "audio/ogg", "reply.ogg")


def test_an_uploaded_medium_can_be_sent(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    media_id = upload(client).json()["id"]
    message = {"messaging_product": "whatsapp", "to": "491701234567", "type": "audio", "audio": {"id": media_id}}
    assert client.post("/v21.0/123/messages", json=message).is_success
    assert whatsapp.messages == (message,)


def test_a_sent_message_has_contact_and_wamid(client: httpx.Client) -> None:
    answers = [client.post("/v21.0/123/messages", json=TEXT).json() for _ in range(2)]
    assert answers[0]["messaging_product"] == "whatsapp"
    assert answers[0]["contacts"] == [{"input": "+491701234567", "wa_id": "491701234567"}]
    ids = [answer["messages"][0]["id"] for answer in answers]
    assert all(each.startswith("wamid.") for each in ids)
    assert len(set(ids)) == 2


def test_messages_are_kept_in_order(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    for word in ("one", "two", "three"):
        client.post("/v21.0/123/messages", json=TEXT | {"text": {"body": word}})
    assert [message["text"]["body"] for message in whatsapp.messages] == ["one", "two", "three"]


def test_reset_forgets_what_was_sent_but_not_the_media(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    media_id = whatsapp.add_media(VOICE, "audio/ogg")
    upload(client)
    client.post("/v21.0/123/messages", json=TEXT)
    whatsapp.reset()
    assert (whatsapp.messages, whatsapp.uploads) == ((), ())
    assert client.get(f"/v21.0/{media_id}").is_success


def test_errors_carry_code_and_trace_id(client: httpx.Client) -> None:
    problem = error(client.get("/v21.0/999"))
    assert (problem["type"], problem["code"], problem["error_subcode"]) == ("GraphMethodException", 100, 33)
    assert problem["fbtrace_id"].startswith("A")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {key: value for key, value in TEXT.items() if key != "to"},
        TEXT | {"messaging_product": "telegram"},
        TEXT | {"text": {}},
        TEXT | {"text": "Hello"},
        TEXT | {"type": "image", "image": {"id": "999"}},
        TEXT | {"type": "image"},
    ],
)
def test_a_message_that_cannot_be_sent_is_a_400(
    whatsapp: WhatsAppStandIn, client: httpx.Client, message: dict[str, Any]
) -> None:
    assert error(client.post("/v21.0/123/messages", json=message))["code"] == 100
    assert whatsapp.messages == ()


def test_an_upload_without_a_file_or_a_product_is_a_400(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    assert error(upload(client, messaging_product=""))["code"] == 100
    assert error(client.post("/v21.0/123/media", data={"messaging_product": "whatsapp"}))["code"] == 100
    assert whatsapp.uploads == ()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer invalid"}])
def test_a_bad_token_is_code_190(whatsapp: WhatsAppStandIn, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{whatsapp.base_url}/v21.0/123/messages", json=TEXT, headers=headers)
    assert (answer.status_code, error(answer)["code"]) == (401, 190)


def test_a_fault_is_in_the_graph_apis_words(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    whatsapp.fail(status=429, retry_after=3)
    answer = client.post("/v21.0/123/messages", json=TEXT)
    assert (answer.headers["retry-after"], error(answer)["code"]) == ("3", 130429)
    assert whatsapp.messages == ()


def test_a_garbled_answer_is_no_json(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    whatsapp.garble()
    with pytest.raises(ValueError, match="Unterminated"):
        client.post("/v21.0/123/messages", json=TEXT).json()
    assert whatsapp.messages == ()


def test_an_answer_may_get_lost_after_the_message_was_taken(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    whatsapp.drop(served=True)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v21.0/123/messages", json=TEXT)
    (call,), (taken,) = whatsapp.journal, whatsapp.taken
    assert (call.dropped, call.status) == (True, 200)
    assert taken.message == TEXT
    assert call.arrived <= taken.at <= call.ended


def test_a_call_that_is_dropped_at_once_has_no_effect(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    whatsapp.drop()
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v21.0/123/messages", json=TEXT)
    assert (whatsapp.journal[0].status, whatsapp.taken) == (None, ())


def test_a_refusal_may_get_lost_too(whatsapp: WhatsAppStandIn, client: httpx.Client) -> None:
    whatsapp.drop(2, served=True)
    for headers in ({"authorization": "Bearer invalid"}, {}):
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v21.0/123/messages", json={}, headers=headers)
    assert [(call.dropped, call.status) for call in whatsapp.journal] == [(True, 401), (True, 400)]
    assert whatsapp.taken == ()
