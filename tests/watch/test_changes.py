"""A change is found whether it was announced or not, and what is no change is none."""

from __future__ import annotations

import asyncio
import os

import pytest

from kata.watch import changes as module
from kata.watch.changes import changes

NODES = "graph/nodes.py"


async def mute(*folders, **settings):
    """A watcher in a folder whose changes nobody announces."""
    while True:
        yield set()
        await asyncio.sleep(0.01)


async def refusing(*folders, **settings):
    raise OSError("no more watches")
    yield


async def announcing(*folders, **settings):
    async for _ in REAL(*folders, **settings):
        yield _


REAL = module.awatch


@pytest.fixture(params=["announced", "never announced", "no watch to be had"])
def found(request, desk, monkeypatch):
    """Change something, and get what is found: by the first look, or by as many as it takes for the whole."""
    watcher = {"announced": announcing, "never announced": mute, "no watch to be had": refusing}[request.param]
    monkeypatch.setattr(module, "awatch", watcher)
    monkeypatch.setattr(module, "LOOK", 0.01 if watcher is refusing else 1.0)

    async def find(deed, whole=frozenset()):
        looking = changes(desk.folder)
        first = asyncio.ensure_future(anext(looking))
        while not first.done():
            await asyncio.sleep(0.05)  # the first look is at a moment of its own
            deed()
            await asyncio.wait({first}, timeout=3)
        paths = [*first.result()]
        while not whole <= set(paths):
            paths += await asyncio.wait_for(anext(looking), 30)
        await looking.aclose()
        return paths

    return find


async def test_an_edit(found, desk):
    file = desk.folder / NODES
    assert await found(lambda: file.write_text(file.read_text() + "#\n")) == [NODES]


async def test_an_edit_that_keeps_size_and_time(found, desk):
    file = desk.folder / NODES
    stamp = file.stat()
    letters = iter("abcdefgh")

    def edit():
        file.write_text(next(letters) + file.read_text()[1:])
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert await found(edit) == [NODES]


async def test_a_new_file_and_one_that_goes(found, desk):
    (desk.folder / "old.py").touch()

    def exchange():
        (desk.folder / "old.py").unlink(missing_ok=True)
        (desk.folder / "new.py").touch()

    assert set(await found(exchange)) <= {"new.py", "old.py"}


async def test_a_whole_folder_renamed(found, desk):
    def rename():
        if (desk.folder / "graph").exists():
            (desk.folder / "graph").rename(desk.folder / "graphs")

    both = {"graph/nodes.py", "graphs/nodes.py"}
    paths = await found(rename, both)  # a look in the middle of it sees one half, and the next one the other
    assert both <= set(paths)


async def test_what_is_hidden_or_not_python_and_a_save_without_a_change_are_none(desk, monkeypatch):
    looked = asyncio.Event()

    async def watcher(*folders, **settings):
        looked.set()
        async for _ in mute():
            yield _

    monkeypatch.setattr(module, "awatch", watcher)
    looking = changes(desk.folder)
    first = asyncio.ensure_future(anext(looking))
    await looked.wait()
    for path in (".kata/verdicts/1.4.json", "__pycache__/a.py", "notes.txt", ".hidden.d/b.py"):
        (desk.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / path).touch()
    (desk.folder / NODES).write_bytes((desk.folder / NODES).read_bytes())
    (desk.folder / "last.py").touch()
    assert await asyncio.wait_for(first, 60) == ["last.py"]
    await looking.aclose()
