"""Finding 1.1: `image_node` makes the folder of the pictures on the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from kata.instruments.disk import slow_disk
from kata.instruments.standins import providers
from kata.verdict.claims import BehaviourChanged, bounded, expect

CALL = "await image_node(state, config)"


@pytest.fixture
def world():
    with providers("groq", "images") as world:
        yield world


@pytest.fixture
def folder(tmp_path):
    """A folder for pictures that does not exist yet, nor the one above it."""
    return tmp_path / "pictures" / "today"


@pytest.fixture
async def node(target, world, folder):
    """Answer with a picture, kept in the folder."""
    state = {"messages": [target.load("graph.nodes").AIMessage(content="Show me where you are.")], "image_path": ""}
    settings = target.load("settings").Settings(_env_file=None, **world.settings(), IMAGE_FOLDER=str(folder))
    text_to_image = target.load("modules.image.text_to_image").TextToImage(settings)
    services = target.load("graph.state").Services(settings=settings, text_to_image=text_to_image)

    async def run(call=CALL):
        config = {"configurable": {"services": services}}
        try:
            return await bounded(call, target.load("graph.nodes").image_node(state, config))
        except FileNotFoundError as error:
            got = "FileNotFoundError: the picture came, and its folder was not there"
            raise BehaviourChanged(call, "the picture is kept in the folder", got) from error

    yield run
    await text_to_image.close()


@pytest.mark.behaviour("1.1")
async def test_the_result_is_a_message_and_the_path_of_a_picture(node, world, folder):
    world.groq.reply('{"narrative": "I am at the sea.", "image_prompt": "a grey sea"}')
    result = await node()
    expect(f"keys of the result of {CALL}", expected=["image_path", "messages"], got=sorted(result))
    expect(f"the message of {CALL}", expected="I am at the sea.", got=result["messages"].content)
    expect(f"the folder of the picture of {CALL}", expected=str(folder), got=str(Path(result["image_path"]).parent))


@pytest.mark.behaviour("1.1")
async def test_the_picture_is_on_the_disk(node, world, target):
    world.groq.reply('{"narrative": "I am at the sea.", "image_prompt": "a grey sea"}')
    result = await node()
    expected = hashlib.sha256(world.images.drawing("a grey sea")).hexdigest()
    got = hashlib.sha256(Path(result["image_path"]).read_bytes()).hexdigest()
    expect(f"the picture's bytes, sha256, after {CALL}", expected=expected, got=got)


@pytest.mark.behaviour("1.1")
async def test_a_folder_that_is_there_already_is_used(node, folder):
    folder.mkdir(parents=True)
    await node()
    expect(f"pictures after {CALL} in a folder that is there", expected=1, got=len(list(folder.iterdir())))


@pytest.mark.behaviour("1.1")
async def test_two_at_once_in_a_missing_folder_keep_two_pictures(node, folder):
    await asyncio.gather(node(), node())
    expect("pictures after two calls at once, folder missing", expected=2, got=len(list(folder.iterdir())))


@pytest.mark.behaviour("1.1")
async def test_the_picture_waits_for_its_folder(node, folder, tmp_path):
    with slow_disk(tmp_path, seconds=0.1):
        result = await node(f"{CALL}, on a slow disk")
    expect(f"{CALL}, on a slow disk: the picture is kept", expected=True, got=Path(result["image_path"]).is_file())


@pytest.mark.behaviour("1.1")
async def test_a_failing_image_service_is_told(node, world, companion_error):
    world.images.fail(1, status=500)
    with pytest.raises(companion_error):
        await node()


@pytest.mark.finding("1.1")
async def test_no_folder_is_made_on_the_loop(node, pulse):
    async with pulse:
        await node()
    pulse.check(operations=("os.mkdir",), doing="to make a folder")
