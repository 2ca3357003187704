"""Finding 1.2: `on_message` reads an upload on the event loop."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import sys
import threading
import warnings
from hashlib import sha256
from uuid import uuid4

import pytest

from kata.instruments.disk import slow_disk
from kata.instruments.held_file import held_file
from kata.instruments.pulse import Kind
from kata.instruments.standins import providers
from kata.instruments.standins.completion import Completion
from kata.instruments.standins.pictures import drawn
from kata.verdict.claims import BehaviourChanged, bounded, expect

WORDS = "Where is this?"
CALL = "await on_message(message)"
ANSWERED = "You said: "


@pytest.fixture(scope="session")
def chainlit_folder(tmp_path_factory):
    """Where Chainlit keeps its files: it asks once, when it is imported."""
    os.environ.setdefault("CHAINLIT_APP_ROOT", str(tmp_path_factory.mktemp("chainlit")))


@pytest.fixture(scope="module")
def world():
    with providers("groq", "elevenlabs", "images", "embeddings") as world:
        yield world


@pytest.fixture
def groq(world):
    world.groq.reset()
    return world.groq


@pytest.fixture
async def app(target, world, groq, tmp_path, chainlit_folder):
    """The chat page's module, started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Chainlit's dependencies deprecate is their affair
        app = target.load("interfaces.chainlit.app")
    kept = {"IMAGE_FOLDER": str(tmp_path / "pictures"), "SHORT_TERM_MEMORY_DB_PATH": str(tmp_path / "memory.db")}
    await app.start(target.load("settings").Settings(_env_file=None, **world.settings(), **kept))
    yield app
    await app.stop()


class Visitor:
    """Somebody in front of the chat page.

    Attributes:
        page: What the page was told, in order: ``begin`` and ``go on`` with a piece of text, ``show`` with a whole one.
        threads: The threads in which it was told.
    """

    def __init__(self, app):
        from chainlit.context import ChainlitContext, context_var
        from chainlit.emitter import BaseChainlitEmitter
        from chainlit.session import HTTPSession

        page, threads = [], set()

        class Screen(BaseChainlitEmitter):
            async def stream_start(self, step_dict):
                self._note("begin", step_dict["output"])

            async def send_token(self, id, token, is_sequence=False, is_input=False):
                self._note("go on", token)

            async def send_step(self, step_dict):
                if step_dict["type"] == "assistant_message":
                    self._note("show", step_dict["output"])

            def _note(self, what, text):
                threads.add(threading.get_ident())
                page.append((what, text))

        self.page, self.threads, self._app = page, threads, app
        session = HTTPSession(id=f"visitor-{id(self)}", client_type="webapp")
        self._enter = lambda: context_var.set(ChainlitContext(session, Screen(session)))

    async def sends(self, *uploads, words=WORDS, kind="Image", call=CALL):
        """A message with uploads, from its sending to the end of its answer."""
        import chainlit

        self._enter()
        elements = [getattr(chainlit, kind)(name=upload.name, path=str(upload)) for upload in uploads]
        message = chainlit.Message(content=words, type="user_message", elements=elements)
        await bounded(call, self._app.on_message(message))


@pytest.fixture
async def visitor(app):
    return Visitor(app)


@pytest.fixture
def upload(tmp_path):
    """Keep a picture as Chainlit keeps an upload; returns its path."""

    def keep(picture, name=None):
        path = tmp_path / (name or f"{uuid4()}.png")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture)
        return path

    return keep


HARBOUR, FOREST, DESERT = drawn("a harbour", 32, 24), drawn("a forest", 24, 32), drawn("a desert", 40, 20)


def as_url(picture):
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def described(picture, words=WORDS):
    """What is added to a message for a picture that the vision model has looked at."""
    parts = [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": as_url(picture)}}]
    completion = Completion.of({"model": "any", "messages": [{"role": "user", "content": parts}]})
    return f"\n[Picture: {completion.content}]"


def looked_at(groq):
    """The pictures that Groq was shown, by the hash of their bytes, in the order of the requests."""
    contents = [call.fields["messages"][-1]["content"] for call in groq.journal]
    urls = [content[1]["image_url"]["url"] for content in contents if isinstance(content, list)]
    return [sha256(base64.b64decode(url.partition(",")[2])).hexdigest() for url in urls]


def answered(groq):
    """The messages that Groq was asked to answer."""
    return [call.fields["messages"][-1]["content"] for call in groq.journal if call.fields.get("stream")]


def hashes(*pictures):
    return [sha256(picture).hexdigest() for picture in pictures]


@pytest.mark.behaviour("1.2")
async def test_the_page_is_written_to_in_the_loop_s_own_thread(visitor, upload):
    await visitor.sends(upload(HARBOUR))
    got = (
        "the event loop's" if visitor.threads == {threading.get_ident()} else "another one, where Chainlit has no loop"
    )
    expect(f"the thread in which {CALL} writes to the page", expected="the event loop's", got=got)


@pytest.mark.behaviour("1.2")
async def test_a_message_goes_on_with_what_is_in_its_picture(visitor, groq, upload):
    await visitor.sends(upload(HARBOUR))
    expect(f"the message that is answered by {CALL}", expected=[WORDS + described(HARBOUR)], got=answered(groq))


@pytest.mark.behaviour("1.2")
async def test_groq_is_shown_the_bytes_of_the_upload(visitor, groq, upload):
    photo = HARBOUR + bytes(range(256)) * 4096  # a megabyte more than one read of a small buffer
    await visitor.sends(upload(photo))
    expect(f"the pictures that Groq is shown by {CALL}, sha256", expected=hashes(photo), got=looked_at(groq))


@pytest.mark.behaviour("1.2")
async def test_several_pictures_are_described_in_the_order_of_their_uploads(visitor, groq, upload, tmp_path):
    uploads = [upload(HARBOUR, "slow/first.png"), upload(FOREST), upload(DESERT)]
    with slow_disk(tmp_path / "slow", seconds=0.2):
        await visitor.sends(*uploads, call=f"{CALL} with three pictures")
    expect("three pictures: those that Groq is shown", expected=3, got=len(looked_at(groq)))
    expected = WORDS + "".join(map(described, (HARBOUR, FOREST, DESERT)))
    expect("three pictures, the first on a slow disk: the message", expected=[expected], got=answered(groq))


@pytest.mark.behaviour("1.2")
async def test_a_message_without_a_picture_is_left_as_it_is(visitor, groq):
    await visitor.sends()
    expect(f"the message that is answered by {CALL}", expected=[WORDS], got=answered(groq))


@pytest.mark.behaviour("1.2")
@pytest.mark.parametrize("kind", ["File", "Pdf", "Audio"])
async def test_an_upload_that_is_no_picture_is_left_alone(visitor, groq, upload, kind):
    await visitor.sends(upload(HARBOUR), kind=kind)
    expect(f"the message that is answered, sent with a {kind}", expected=[WORDS], got=answered(groq))


@pytest.mark.behaviour("1.2")
@pytest.mark.parametrize("kind", ["gone", "a folder"])
async def test_an_upload_that_cannot_be_read_is_logged_and_the_talk_goes_on(
    visitor, groq, upload, tmp_path, caplog, kind
):
    unreadable = tmp_path / "gone.png" if kind == "gone" else tmp_path
    with caplog.at_level(logging.WARNING):
        try:
            await visitor.sends(unreadable, upload(FOREST), call=f"{CALL}, one of two uploads is {kind}")
        except OSError as error:
            got = f"{type(error).__name__}: the whole message goes unanswered"
            raise BehaviourChanged(CALL, "an upload that cannot be read is left out", got) from error
    expected = [WORDS + described(FOREST)]
    expect(f"one of two uploads is {kind}: the message that is answered", expected=expected, got=answered(groq))
    told = any(record.levelno >= logging.WARNING for record in caplog.records)
    expect(f"one upload is {kind}: a warning is logged", expected=True, got=told)


@pytest.mark.behaviour("1.2")
@pytest.mark.parametrize("status", [400, 503])
async def test_a_picture_that_groq_refuses_is_logged_and_the_talk_goes_on(visitor, groq, upload, caplog, status):
    groq.fail(1, status=status)
    with caplog.at_level(logging.WARNING):
        await visitor.sends(upload(HARBOUR))
    call = f"Groq answers {status} to the picture"
    expect(f"{call}: the message that is answered", expected=[WORDS], got=answered(groq))
    told = any(record.levelno >= logging.WARNING for record in caplog.records)
    expect(f"{call}: a warning is logged", expected=True, got=told)


@pytest.mark.behaviour("1.2")
@pytest.mark.parametrize("data", [b"", b"no picture at all"], ids=["empty", "text"])
async def test_an_upload_that_only_claims_to_be_a_picture_is_left_out(visitor, groq, upload, data):
    await visitor.sends(upload(data))
    expect("an upload that is no picture: the message", expected=[WORDS], got=answered(groq))
    expect("an upload that is no picture: pictures that Groq is shown", expected=[], got=looked_at(groq))


@pytest.mark.behaviour("1.2")
async def test_two_people_s_pictures_of_one_name_are_two_pictures(app, groq, upload):
    for name, picture in (("ana/photo.png", HARBOUR), ("ben/photo.png", FOREST)):
        person = Visitor(app)
        await person.sends(upload(picture, name))
    got = looked_at(groq)
    expect("two people upload a photo.png: what Groq is shown", expected=hashes(HARBOUR, FOREST), got=got)


@pytest.mark.behaviour("1.2")
async def test_the_upload_is_still_there_for_the_page_to_show(visitor, upload):
    path = upload(HARBOUR)
    await visitor.sends(path)
    expect(f"after {CALL}: the upload is there", expected=True, got=path.is_file())


@pytest.mark.behaviour("1.2")
async def test_the_answer_comes_to_the_page_piece_by_piece(visitor, upload):
    await visitor.sends(upload(HARBOUR))
    *pieces, (what, whole) = visitor.page
    expect(f"what the page is told last by {CALL}", expected="show", got=what)
    expect(f"what the page shows after {CALL}", expected=ANSWERED + WORDS + described(HARBOUR), got=whole)
    kinds = ["begin", *["go on"] * (len(pieces) - 1)]
    expect("the pieces of the answer, as the page gets them", expected=kinds, got=[kind for kind, _ in pieces])
    expect("the pieces of the answer, joined", expected=whole, got="".join(piece for _, piece in pieces))
    expect("the answer comes in pieces", expected=True, got=len(pieces) > len(WORDS.split()))


@pytest.mark.behaviour("1.2")
async def test_the_next_message_goes_on_with_the_conversation(visitor, groq, upload):
    await visitor.sends(upload(HARBOUR))
    await visitor.sends(words="And what is behind it?", call="the next await on_message(message)")
    shown = [text for what, text in visitor.page if what == "show"]
    expected = [ANSWERED + WORDS + described(HARBOUR), ANSWERED + "And what is behind it?"]
    expect("two messages in a row: what the page shows", expected=expected, got=shown)
    said = [message["content"] for message in groq.journal[-1].fields["messages"][1:]]
    expect("the second message: what Groq knows was said before", expected=3, got=len(said))


@pytest.mark.behaviour("1.2")
async def test_a_message_that_is_stopped_is_not_answered(visitor, groq, upload):
    with groq.silence():
        task = asyncio.create_task(visitor.sends(upload(HARBOUR)))
        await groq.until_calls(1)
        task.cancel()
        goes_on = asyncio.create_task(groq.until_calls(2))
        await asyncio.wait([task, goes_on], timeout=4, return_when=asyncio.FIRST_COMPLETED)
        goes_on.cancel()
    expect("stopped while Groq looks at the picture: the task is cancelled", expected=True, got=task.cancelled())
    expect("stopped while Groq looks at the picture: answers asked for", expected=[], got=answered(groq))


@pytest.mark.finding("1.2")
async def test_no_upload_is_opened_or_read_on_the_loop(visitor, groq, upload, pulse):
    await visitor.sends(upload(HARBOUR))  # what happens once per process happens here
    second = upload(FOREST)
    async with pulse:
        await visitor.sends(second)
    pulse.check(Kind.DISK, doing="to read an upload")


@pytest.mark.finding("1.2")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its folders")
async def test_the_loop_beats_while_the_disk_is_slow(visitor, upload, tmp_path, pulse):
    await visitor.sends(upload(HARBOUR))
    async with pulse:
        with held_file(tmp_path / "slow.png", FOREST, pulse) as file:
            await visitor.sends(tmp_path / "slow.png", call=f"{CALL} on a slow disk")
    pulse.check(operations=(file.answer,), doing="while the disk was slow")
