"""Finding 3.1: the webhook builds a new `httpx.AsyncClient` for every request to WhatsApp."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from kata.instruments.pulse import Kind
from kata.instruments.standins import WhatsAppStandIn
from kata.instruments.standins.certificate import self_signed
from kata.instruments.webhook import PATH, serving, text, voice
from kata.verdict.claims import BehaviourChanged, Wasteful, bounded, expect

CALL = "POST /whatsapp_response"
DONE = "200 Message processed"
NOT_SENT = "500 Failed to send message"
NOT_HEARD = "I am sorry, I could not hear your voice note. Will you write it to me?"
SPEAK = "Say it in audio"
"""Makes the language model's stand-in choose a spoken answer."""

USERS = 8
LITTLE = 0.05
"""Seconds that WhatsApp is given where it is silent."""
PATIENCE = 4.0
"""Seconds after which a caller goes on waiting: many times what it is told to, and less than httpx's own five."""


@pytest.fixture
def whatsapp(everybody):
    return everybody.whatsapp


@pytest.fixture
def user():
    """Somebody who has not written before."""
    numbers = count(4915100000001)
    return lambda: str(next(numbers))


@pytest.fixture
def heard(everybody, note):
    """Somebody sends a voice note that asks for a spoken answer."""
    everybody.groq.recognise(note.data, SPEAK)
    media_id = everybody.whatsapp.add_media(note.data, "audio/ogg")
    return lambda: voice(media_id)


def lost(sender="4915100000001"):
    """A voice note that WhatsApp has no longer: a download in vain, and a reply. The agent is not asked."""
    return voice("404", sender=sender)


async def posted(webhook, event, call=CALL):
    """Post a notification: the answer's status and text."""
    answer = await bounded(call, webhook.post(PATH, json=event), seconds=20)
    return f"{answer.status_code} {answer.text}"


async def outcome(webhook, event):
    """The same, or the error that the application raises, in words."""
    try:
        return await posted(webhook, event)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def seen(stand_in):
    """The calls that a stand-in saw, with the last characters of their token."""
    return [f"{call.method} {call.path} {call.headers.get('authorization', 'no token')}" for call in stand_in.journal]


def said(whatsapp):
    """The texts that were sent out."""
    return [message["text"]["body"] for message in whatsapp.messages if message["type"] == "text"]


@pytest.mark.behaviour("3.1")
def test_a_second_event_loop_is_as_good_as_the_first(webhook_app):
    async def serve():
        async with serving(webhook_app()) as webhook:
            return await outcome(webhook, lost())

    got = [asyncio.run(serve()) for _ in range(2)]
    expect(f"{CALL}, in two asyncio.run, one after the other", expected=2 * [DONE], got=got)


@pytest.mark.behaviour("3.1")
async def test_an_application_does_not_depend_on_another_one(webhook_app):
    first, second = webhook_app(), webhook_app()
    async with serving(second) as webhook:
        async with serving(first) as other:
            await posted(other, lost())
            await posted(webhook, lost())
        got = await outcome(webhook, lost())
    expect(f"{CALL}, another application of the process has stopped", expected=DONE, got=got)


@pytest.mark.behaviour("3.1")
async def test_an_application_can_be_started_again(webhook_app):
    app = webhook_app()
    async with serving(app) as webhook:
        await posted(webhook, lost())
    async with serving(app) as webhook:
        got = await outcome(webhook, lost())
    expect(f"{CALL}, the application stopped and started again", expected=DONE, got=got)


@pytest.mark.behaviour("3.1")
def test_no_connection_outlives_the_application(webhook_app, whatsapp):
    apps = []

    async def serve():
        apps.append(webhook_app())  # kept: what is closed only when it is thrown away is not closed
        async with serving(apps[0]) as webhook:
            await posted(webhook, lost())

    asyncio.run(serve())
    try:
        asyncio.run(whatsapp.until_no_connection(limit=5.0))
    except TimeoutError as error:
        call = "connections to WhatsApp, the application stopped"
        raise BehaviourChanged(call, "0", str(whatsapp.open_connections)) from error


@pytest.mark.behaviour("3.1")
async def test_a_text_is_answered_in_one_call(webhook_app, whatsapp):
    async with serving(webhook_app(WHATSAPP_TOKEN="token-1234")) as webhook:
        expect(f"{CALL}, a text", expected=DONE, got=await posted(webhook, text("Hello")))
    expect("calls to WhatsApp for a text", expected=["POST /v23.0/100000000000001/messages …1234"], got=seen(whatsapp))
    expect("the reply to 'Hello'", expected=["You said: Hello"], got=said(whatsapp))


@pytest.mark.behaviour("3.1")
async def test_the_token_goes_to_whatsapp_and_to_nobody_else(webhook_app, whatsapp, everybody, heard, note):
    with WhatsAppStandIn() as media_host:
        media_host.add_media(note.data, "audio/ogg")  # under the same id
        whatsapp.media_host = media_host.base_url
        async with serving(webhook_app(WHATSAPP_TOKEN="token-1234")) as webhook:
            for asked, event in (("a voice note", heard()), ("a request for a picture", text("Show me an image"))):
                expect(f"{CALL}, {asked}", expected=DONE, got=await posted(webhook, event))
        media_calls = seen(media_host)
    uploaded = 2 * ["POST /v23.0/100000000000001/media …1234", "POST /v23.0/100000000000001/messages …1234"]
    expected = ["GET /v23.0/200000000000001 …1234", *uploaded]
    expect("calls to WhatsApp, a spoken and a painted answer", expected=expected, got=seen(whatsapp))
    expected = ["GET /whatsapp_business/attachments/ …1234"]
    expect("calls to the host of WhatsApp's media", expected=expected, got=media_calls)
    others = [stand_in for stand_in in everybody if stand_in is not whatsapp]
    leaks = sorted({each.name for each in others for call in seen(each) if call.endswith("1234")})
    expect("other providers that are sent WhatsApp's token", expected=[], got=leaks)


@pytest.mark.behaviour("3.1")
async def test_a_download_that_fails_is_told_to_the_user(webhook_app, whatsapp, heard):
    async with serving(webhook_app()) as webhook:
        for fault in ("fail", "drop", "garble"):
            getattr(whatsapp, fault)(1)
            expect(f"{CALL}, a download that fails", expected=DONE, got=await posted(webhook, heard()))
    expect("what the user reads, the download failing", expected=3 * [NOT_HEARD], got=said(whatsapp))


@pytest.mark.behaviour("3.1")
async def test_an_answer_whose_upload_fails_is_sent_in_words(webhook_app, whatsapp):
    async with serving(webhook_app()) as webhook:
        for fault in ("fail", "garble"):
            getattr(whatsapp, fault)(1)
            expect(f"{CALL}, an upload that fails", expected=DONE, got=await posted(webhook, text(SPEAK)))
    expect("what the user reads, the upload failing", expected=2 * [f"You said: {SPEAK}"], got=said(whatsapp))


@pytest.mark.behaviour("3.1")
async def test_a_reply_that_is_not_taken_is_an_error(webhook_app, whatsapp):
    async with serving(webhook_app()) as webhook:
        for fault in ("fail", "drop"):
            getattr(whatsapp, fault)(2)
            expect(f"{CALL}, a reply that is not taken", expected=NOT_SENT, got=await posted(webhook, lost()))
        expect(f"{CALL}, after replies that were not taken", expected=DONE, got=await posted(webhook, lost()))


@pytest.mark.behaviour("3.1")
@pytest.mark.parametrize("doing", ["download", "upload"])
async def test_a_silent_whatsapp_is_given_up(webhook_app, whatsapp, doing):
    event = lost() if doing == "download" else text(SPEAK)
    async with serving(webhook_app(WHATSAPP_TIMEOUT_SECONDS=LITTLE)) as webhook:
        with whatsapp.silence():
            task = asyncio.create_task(webhook.post(PATH, json=event))
            called = asyncio.create_task(whatsapp.until_calls(1))
            await asyncio.wait([task, called], return_when=asyncio.FIRST_COMPLETED)
            called.cancel()
            await asyncio.wait([task], timeout=PATIENCE)
            has_given_up = task.done()
        answer = await bounded(CALL, task, seconds=20)
    call = f"{CALL}, WhatsApp silent from the {doing} on, WHATSAPP_TIMEOUT_SECONDS={LITTLE}"
    got = f"{answer.status_code} {answer.text}" if has_given_up else "it goes on waiting"
    expect(call, expected=NOT_SENT, got=got)


@pytest.mark.behaviour("3.1")
async def test_a_redirect_is_not_followed(webhook_app, whatsapp, heard):
    with WhatsAppStandIn() as elsewhere:
        whatsapp.redirect(elsewhere.base_url)
        async with serving(webhook_app()) as webhook:
            await posted(webhook, heard())
        expect("calls to the address that a download is redirected to", expected=[], got=seen(elsewhere))
    expect("what the user reads, the download redirected", expected=[NOT_HEARD], got=said(whatsapp))


@pytest.mark.behaviour("3.1")
async def test_a_server_that_cannot_prove_its_name_gets_no_call(webhook_app):
    with WhatsAppStandIn(tls=self_signed()) as impostor:
        async with serving(webhook_app(WHATSAPP_BASE_URL=impostor.base_url)) as webhook:
            got = await posted(webhook, lost())
        expect("calls to a WhatsApp whose certificate nobody has signed", expected=[], got=seen(impostor))
    expect(f"{CALL}, WhatsApp's certificate signed by nobody", expected=NOT_SENT, got=got)


@pytest.mark.behaviour("3.1")
async def test_connections_that_whatsapp_has_closed_cost_no_reply(webhook_app, whatsapp):
    async with serving(webhook_app()) as webhook:
        for _ in range(2):
            got = await outcome(webhook, lost())
            expect(f"{CALL}, WhatsApp has closed all connections before", expected=DONE, got=got)
            whatsapp.hang_up()
            await whatsapp.until_no_connection()
    expect("what the user reads, connections closed in between", expected=2 * [NOT_HEARD], got=said(whatsapp))


@pytest.mark.behaviour("3.1")
async def test_users_at_once_are_served_at_once(webhook_app, whatsapp, user):
    async with serving(webhook_app()) as webhook:
        with whatsapp.rendezvous(USERS, limit=4.0):
            await asyncio.gather(*(posted(webhook, lost(user())) for _ in range(USERS)))
    expect(f"the most calls in flight at WhatsApp, {USERS} users at once", expected=USERS, got=whatsapp.peak_in_flight)


@pytest.mark.finding("3.1")
@pytest.mark.parametrize("users", ["one user", "three users"])
async def test_messages_in_turn_open_no_connections(webhook_app, whatsapp, heard, user, pulse, users):
    events = [heard() if users == "one user" else lost(user()) for _ in range(4)]
    async with serving(webhook_app()) as webhook:
        await posted(webhook, events[0])
        before = whatsapp.connections
        async with pulse:
            for event in events[1:]:
                await posted(webhook, event)
    opened = whatsapp.connections - before
    built = [flatline.culprit for flatline in pulse.flatlines if flatline.kind is Kind.COMPUTING]
    if opened >= 3:  # one for each at least: a connection that was idle for too long may be opened again
        raise Wasteful(
            f"three voice notes of {users} in turn: {opened} connections opened, "
            f"the CA certificates read {len(built)} times on the loop",
            next(iter(built), None),
        )


@pytest.mark.finding("3.1")
async def test_no_client_is_built_for_a_message(webhook_app, pulse):
    async with serving(webhook_app()) as webhook:
        await posted(webhook, lost())
        async with pulse:
            await posted(webhook, lost())
    pulse.check(Kind.COMPUTING, doing="to build a client, CA certificates and all, for a message")


@pytest.mark.remark("3.1", "there are several pools of connections to WhatsApp where one would do")
async def test_one_connection_serves_a_whole_message(webhook_app, whatsapp, heard):
    async with serving(webhook_app()) as webhook:
        await posted(webhook, heard())
    assert whatsapp.connections == 1
