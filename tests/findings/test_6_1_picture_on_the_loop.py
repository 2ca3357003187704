"""Finding 6.1, beyond the report: `generate_image` writes the picture on the event loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from kata.instruments.disk import slow_disk
from kata.instruments.pulse import Kind
from kata.instruments.standins import providers
from kata.verdict.claims import bounded, expect

CALL = "await generate_image(prompt, output_path)"


@pytest.fixture
def world():
    with providers("groq", "images") as world:
        yield world


@pytest.fixture
async def draw(target, world):
    """Have a grey sea drawn, and kept where one says."""
    settings = target.load("settings").Settings(_env_file=None, **world.settings())
    text_to_image = target.load("modules.image.text_to_image").TextToImage(settings)

    async def run(*output_path, prompt="a grey sea", call=CALL):
        return await bounded(call, text_to_image.generate_image(prompt, *map(str, output_path)))

    yield run
    await text_to_image.close()


@pytest.fixture
def sea(world):
    """What the image service draws of a grey sea."""
    return world.images.drawing("a grey sea")


def kept(file: Path) -> str:
    """In words: what of a picture is on the disk."""
    return f"{file.stat().st_size} bytes" if file.exists() else "no file"


@pytest.mark.behaviour("6.1")
async def test_the_picture_is_returned_and_on_the_disk(draw, sea, tmp_path):
    got = await draw(tmp_path / "sea.png")
    expect(f"what {CALL} returns is the picture", expected=True, got=got == sea)
    expect(f"on the disk after {CALL}", expected=f"{len(sea)} bytes", got=kept(tmp_path / "sea.png"))
    expect("what is on the disk is the picture", expected=True, got=(tmp_path / "sea.png").read_bytes() == sea)


@pytest.mark.behaviour("6.1")
async def test_the_picture_is_whole_when_the_call_returns(draw, sea, tmp_path):
    with slow_disk(tmp_path, seconds=0.1):
        await draw(tmp_path / "sea.png", call=f"{CALL}, on a slow disk")
    expect(f"on the disk after {CALL}, on a slow disk", expected=f"{len(sea)} bytes", got=kept(tmp_path / "sea.png"))


@pytest.mark.behaviour("6.1")
async def test_a_file_that_is_there_is_replaced(draw, sea, tmp_path):
    (tmp_path / "sea.png").write_bytes(bytes(2 * len(sea)))
    await draw(tmp_path / "sea.png")
    expect(f"on the disk after {CALL}, over a file", expected=f"{len(sea)} bytes", got=kept(tmp_path / "sea.png"))


@pytest.mark.behaviour("6.1")
async def test_without_a_path_nothing_is_kept(draw, sea, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expect("what await generate_image(prompt) returns is the picture", expected=True, got=await draw() == sea)
    expect("files after await generate_image(prompt)", expected=[], got=sorted(map(str, tmp_path.iterdir())))


@pytest.mark.behaviour("6.1")
async def test_a_picture_that_cannot_be_kept_is_told(draw, tmp_path):
    try:
        await draw(tmp_path / "nowhere" / "sea.png")
        outcome = "no error"
    except OSError as error:
        outcome = type(error).__name__
    expect(f"{CALL}, in a folder that is not there", expected="FileNotFoundError", got=outcome)


@pytest.mark.behaviour("6.1")
async def test_a_failing_image_service_is_told_and_leaves_no_file(draw, world, tmp_path, companion_error):
    world.images.fail(1, status=500)
    with pytest.raises(companion_error):
        await draw(tmp_path / "sea.png")
    expect("on the disk after a failure", expected="no file", got=kept(tmp_path / "sea.png"))


@pytest.mark.behaviour("6.1")
async def test_an_empty_prompt_is_refused_unasked(draw, world, tmp_path):
    with pytest.raises(ValueError, match="empty"):
        await draw(tmp_path / "sea.png", prompt=" ")
    expect("requests for an empty prompt", expected=0, got=len(world.images.journal))


@pytest.mark.finding("6.1")
async def test_no_picture_is_written_on_the_loop(draw, pulse, tmp_path):
    await draw(tmp_path / "first.png")  # what happens once per process happens here
    async with pulse:
        await draw(tmp_path / "second.png")
    pulse.check(Kind.DISK, doing="to write the picture")
