"""Finding 1.3: `whatsapp_handler` opens and reads the picture of its reply on the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from contextlib import contextmanager

import pytest

from kata.audit import audit
from kata.instruments import disk
from kata.instruments.pulse import SILENT_TICKS, Kind, LoopBlocked
from kata.instruments.webhook import PATH, picture, serving, status, text, together, voice
from kata.verdict.claims import bounded, expect

CALL = f"POST {PATH}"
ASKED, ASKED_TOO = "Send me an image of the sea.", "Send me an image of a mountain."
ANOTHER = "4915100000042"
SORRY = "I am sorry, my head is somewhere else right now. Will you write to me again in a while?"
MALFORMED = (
    "{",
    "null",
    "[]",
    "7",
    "{}",
    '{"entry": []}',
    '{"entry": [{"changes": [{"value": {}}]}]}',
    '{"entry": [{"changes": [{"value": {"messages": [{}]}}]}]}',
    '{"entry": [{"changes": [{"value": {"messages": [{"from": "1", "type": "text"}]}}]}]}',
    '{"entry": [{"changes": [{"value": {"messages": [{"from": "", "type": "sticker"}]}}]}]}',
)
HERE = "interfaces/whatsapp/whatsapp_response.py"
BEATS = 5
"""Beats of the loop while somebody waits for the picture: it turns."""
PATIENCE = 20 * SILENT_TICKS
"""Looks at the pulse, as far apart as its ticks, after which neither beats nor a flatline are expected."""


@pytest.fixture
async def deliver(webhook_app):
    """Deliver a notification as WhatsApp does, and say what the webhook answers: its status."""
    async with serving(webhook_app()) as client:
        yield delivery_to(client)


def delivery_to(client):
    async def deliver(notification, of="a message"):
        answer = await bounded(f"{CALL}, {of}", client.post(PATH, json=notification))
        return answer.status_code

    return deliver


@pytest.fixture
def sent(everybody):
    """What was sent to a user since the last time one asked: its type, and its words."""
    known = 0

    def look():
        nonlocal known
        messages = everybody.whatsapp.messages[known:]
        known += len(messages)
        return [(message["type"], words_of(message)) for message in messages]

    return look


def words_of(message):
    content = message[message["type"]]
    return content.get("body", content.get("caption", ""))


def drawn(world, asked):
    """The sha256 of the picture that the image service draws for who asks for it in these words."""
    return hashlib.sha256(world.images.drawing(f"You said: {asked}")).hexdigest()


def uploads(world):
    return [hashlib.sha256(media.data).hexdigest() for media in world.whatsapp.uploads]


@contextmanager
def whenever_a_picture_is_opened(folder, do):
    """Do something with the path of a picture just before it is opened to be read, in the thread that opens it."""
    folder = os.path.realpath(folder)

    def look(operation, path):
        if operation == "open" and path and disk.is_below(path, folder) and os.path.exists(path):
            do(path)

    key = disk.watch(look)
    try:
        yield
    finally:
        disk.unwatch(key)


@pytest.mark.behaviour("1.3")
async def test_the_webhook_is_verified_by_its_token(webhook_app):
    async with serving(webhook_app()) as client:
        for token, expected in (("stand-in-verify-token", (200, True)), ("a-wrong-token", (403, False))):
            query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
            answer = await bounded(f"GET {PATH}", client.get(PATH, params=query))
            got = (answer.status_code, answer.text == "1158201444")
            expect(f"GET {PATH}, {token}: status, and whether the challenge comes back", expected=expected, got=got)


@pytest.mark.behaviour("1.3")
async def test_news_of_a_reply_is_taken_and_not_answered(deliver, sent):
    for kind in ("sent", "delivered", "read", "failed"):
        expect(f"{CALL}, news that a reply was {kind}", expected=200, got=await deliver(status(kind)))
    expect("messages sent after news of replies", expected=[], got=sent())


@pytest.mark.behaviour("1.3")
async def test_a_text_is_answered_in_words(deliver, everybody):
    expect(f"{CALL}, a text", expected=200, got=await deliver(text("Hello", sender=ANOTHER)))
    words = {"type": "text", "text": {"body": "You said: Hello"}}
    expected = [{"messaging_product": "whatsapp", "to": ANOTHER, **words}]
    expect("what is sent in answer to a text", expected=expected, got=list(everybody.whatsapp.messages))


@pytest.mark.behaviour("1.3")
async def test_a_picture_is_uploaded_byte_for_byte_and_sent_with_its_words(deliver, everybody):
    expect(f"{CALL}, a picture is asked for", expected=200, got=await deliver(text(ASKED)))
    expected = [drawn(everybody, ASKED)]
    expect("the bytes of the uploaded picture, sha256", expected=expected, got=uploads(everybody))
    (media,) = everybody.whatsapp.uploads
    expect("the media type of the uploaded picture", expected="image/png", got=media.mime_type)
    (message,) = everybody.whatsapp.messages
    expected = ("image", {"id": media.id, "caption": f"You said: {ASKED}"})
    expect("the message with the picture", expected=expected, got=(message["type"], message["image"]))
    await deliver(text(ASKED_TOO, sender=ANOTHER))
    expected = drawn(everybody, ASKED_TOO)
    expect("the picture of a second user, sha256", expected=expected, got=uploads(everybody)[-1])


@pytest.mark.behaviour("1.3")
async def test_two_pictures_at_once_are_not_exchanged(deliver, everybody):
    async with asyncio.TaskGroup() as group:
        group.create_task(deliver(text(ASKED)))
        group.create_task(deliver(text(ASKED_TOO, sender=ANOTHER)))
    pictures = dict(zip([media.id for media in everybody.whatsapp.uploads], uploads(everybody), strict=True))
    got = {words_of(message): pictures[message["image"]["id"]] for message in everybody.whatsapp.messages}
    expected = {f"You said: {asked}": drawn(everybody, asked) for asked in (ASKED, ASKED_TOO)}
    expect("the pictures of two users at once, by their captions", expected=expected, got=got)


@pytest.mark.behaviour("1.3")
async def test_a_voice_is_answered_by_a_voice_that_is_asked_for(deliver, everybody, sent):
    expect(f"{CALL}, audio is asked for", expected=200, got=await deliver(text("Send me audio of your voice.")))
    expect("what is sent when audio is asked for", expected=[("audio", "")], got=sent())
    got = [media.mime_type for media in everybody.whatsapp.uploads]
    expect("the media type of the uploaded audio", expected=["audio/mpeg"], got=got)


@pytest.mark.behaviour("1.3")
async def test_a_voice_note_is_understood(deliver, everybody, note, sent):
    heard = everybody.whatsapp.add_media(note.data, "audio/ogg; codecs=opus")
    expect(f"{CALL}, a voice note", expected=200, got=await deliver(voice(heard)))
    expect("what is sent in answer to a voice note", expected=[("text", f"You said: {note.text}")], got=sent())


@pytest.mark.behaviour("1.3")
async def test_a_user_s_picture_is_looked_at(deliver, everybody, sent):
    seen = everybody.whatsapp.add_media(b"GIF89a\x10\x00\x10\x00" + bytes(8), "image/gif")
    expect(f"{CALL}, a picture", expected=200, got=await deliver(picture(seen, "What is it?")))
    ((kind, words),) = sent()
    expect("what is sent in answer to a picture", expected=("text", True), got=(kind, "a GIF picture" in words))


@pytest.mark.behaviour("1.3")
async def test_an_upload_that_is_refused_leaves_the_words(deliver, everybody, sent):
    everybody.whatsapp.fail(1, status=503)
    expect(f"{CALL}, the upload is refused", expected=200, got=await deliver(text(ASKED)))
    expect("what is sent when the upload is refused", expected=[("text", f"You said: {ASKED}")], got=sent())


@pytest.mark.behaviour("1.3")
async def test_a_picture_that_cannot_be_read_leaves_the_words(deliver, sent, tmp_path):
    with whenever_a_picture_is_opened(tmp_path / "pictures", os.remove):
        code = await deliver(text(ASKED))
    expect(f"{CALL}, the picture is gone when it is read", expected=200, got=code)
    expect("what is sent when the picture is gone", expected=[("text", f"You said: {ASKED}")], got=sent())


@pytest.mark.behaviour("1.3")
async def test_a_reply_that_is_not_taken_is_told_so_that_whatsapp_delivers_again(deliver, everybody):
    everybody.whatsapp.fail(9, status=503)
    for asked, what in (("Hello", "words"), (ASKED, "a picture")):
        expect(f"{CALL}, the reply, {what}, is not taken", expected=500, got=await deliver(text(asked)))


@pytest.mark.behaviour("1.3")
async def test_what_is_no_notification_is_refused(webhook_app, everybody):
    async with serving(webhook_app()) as client:
        for body in MALFORMED:
            answer = await bounded(CALL, client.post(PATH, content=body))
            expect(f"{CALL} of {body}", expected=400, got=answer.status_code)
    expect("messages sent after what is no notification", expected=0, got=len(everybody.whatsapp.messages))


@pytest.mark.behaviour("1.3")
async def test_every_message_of_a_notification_is_answered(deliver, everybody):
    users = ("4915100000041", ANOTHER)
    both = together(status(), *(text("Hello", sender=user) for user in users))
    expect(f"{CALL}, two messages in one notification", expected=200, got=await deliver(both))
    expect("who is answered", expected=list(users), got=[message["to"] for message in everybody.whatsapp.messages])


@pytest.mark.behaviour("1.3")
async def test_a_provider_that_never_answers_ends_in_an_apology(webhook_app, everybody, sent):
    async with serving(webhook_app(WORKFLOW_TIMEOUT_SECONDS=0.05)) as client:
        with everybody.groq.silence():
            code = await delivery_to(client)(text(ASKED), "Groq does not answer")
    expect(f"{CALL}, Groq does not answer", expected=200, got=code)
    expect("what is sent when Groq does not answer", expected=[("text", SORRY)], got=sent())


@pytest.mark.finding("1.3")
async def test_the_picture_is_neither_opened_nor_read_on_the_loop(deliver, pulse, tmp_path):
    await deliver(text(ASKED))  # the first one warms up
    async with pulse:
        with whenever_a_picture_is_opened(tmp_path / "pictures", lambda path: hold_for_a_proof(pulse)):
            await deliver(text(ASKED))
    if seen := of_this_finding(pulse):
        raise LoopBlocked(seen, f"while the reply picture was {done_on_the_loop(seen)}")


def hold_for_a_proof(pulse):
    """Make whoever opens the picture wait until the loop has beaten, or is seen to stand still."""
    beats = pulse.beats + BEATS
    for _ in range(PATIENCE):
        if pulse.beats >= beats or of_this_finding(pulse):
            return
        time.sleep(0.005)


def of_this_finding(pulse):
    return [flatline for flatline in pulse.flatlines if is_of_this_finding(flatline)]


def is_of_this_finding(flatline):
    """Whether somebody reads, or waits for the disk outside the places where other findings have their say: the
    picture's folder and the picture itself are made on the starter's loop, too."""
    if flatline.culprit is None or flatline.kind not in (Kind.DISK, Kind.WAITING, Kind.SILENCE):
        return False
    others = [each for each in audit().everything if each.id != "1.3"]
    elsewhere = {location.path for each in others for location in each.where} - {HERE}
    return ".read" in flatline.operation or flatline.culprit.file.partition("/")[2] not in elsewhere


def done_on_the_loop(seen):
    """In a word: was the picture opened on the loop, read, or both?"""
    opened = any(flatline.operation == "open" for flatline in seen)
    reads = sum(".read" in flatline.operation for flatline in seen)
    if opened:
        return "opened and read" if reads else "opened"
    return "waited for" if not reads else "read" if reads == 1 else "read piece by piece"
