"""A room as it is: JupyterHub, its proxy, system users and limits, and people who come in over real sockets."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from people import Kernel, NotLetIn, Person
from rooms import Place, why_not

from kata.audit import project_root
from kata.room.hub import learners, proxy
from kata.room.hub.settings import State

REASON = why_not()

pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON))]

ASK = 'from kata import check\nawait check("1.4")'
FIX = "import shutil, starter\nfrom kata.target import workspace\nshutil.copy('../solution/{0}', workspace() / '{0}')"
SPEECH = "modules/speech/speech_to_text.py"
EAT = "x = []\nwhile len(x) < 200: x.append(bytearray(16 << 20))"  # not all that the machine has
HOG = "import subprocess, sys\nhogs = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(6)]"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place for a room; whatever becomes of the test, no system user is left."""
    place = Place(tmp_path / "state")
    try:
        proxy.install(State(place.folder).make())
    except proxy.NoProxy as error:
        pytest.skip(str(error))
    yield place
    place.run("delete", "--yes", "--keep", str(tmp_path / "kept"))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - another process makes it so
            await asyncio.sleep(0.1)


async def test_three_work_at_once_and_find_their_work_when_the_room_is_opened_again(place: Place, tmp_path: Path):
    names = ("ada", "ben", "cyd")
    async with AsyncExitStack() as stack:
        room = stack.enter_context(place.opened("--memory", "1", "--cores", "1"))
        people = [await stack.enter_async_context(Person(room.url, name)) for name in names]
        ada, ben, _ = people

        # three who come for the first time, at once, and a lesson's cell
        password = room.shown("class password")
        await asyncio.gather(*(each.comes_in(f"the secret of {each.name}", password) for each in people))
        await asyncio.gather(*(each.opens_lab() for each in people))
        assert ada.opened.endswith("/user/ada/lab/tree/notebooks/00_start_here.ipynb")
        assert ada.config["news"] == {"disabled": True}
        assert ada.config["extensionManager"]["can_install"] is False
        kernels: list[Kernel] = await asyncio.gather(*(each.opens_notebook() for each in people))
        asked = await asyncio.gather(*(kernel.runs(ASK) for kernel in kernels))
        assert [answer.text.split("\n")[0].rpartition(" ")[2] for answer in asked] == ["untouched"] * 3
        of_ada, of_ben, of_cyd = kernels

        # Ada repairs what is hers, and it is hers alone
        await of_ada.runs(FIX.format(SPEECH))
        assert "fixed" in (await of_ada.runs(ASK)).text
        assert "✓ 1.4" in (await of_ada.runs("!uv run kata progress")).text
        work = place.room.home("ada") / "course" / "workspace" / SPEECH
        assert (await of_ada.runs(f"open({str(work)!r}).read() and None")).error is None
        for path in (work, place.room.state.accounts, place.room.state.settings, project_root() / "pyproject.toml"):
            assert (await of_ben.runs(f"open({str(path)!r})")).error.startswith(("FileNotFound", "PermissionError"))
        assert (await ben.asks("GET", "user/ada/api/contents"))[0] == 403

        # Ben eats all memory he may have, Cyd all processors; Ada goes on
        eaten = await of_ben.runs(EAT)
        assert eaten.error is not None
        assert "died" in eaten.error or "MemoryError" in eaten.error
        await of_cyd.runs(HOG)
        assert "fixed" in (await of_ada.runs(ASK)).text
        assert (await of_cyd.runs("print([hog.poll() for hog in hogs])")).text.strip() == str([None] * 6)
        await of_cyd.runs("for hog in hogs: hog.kill()")
        assert (await ben.asks("GET", "user/ben/api/status"))[0] == 200

        # nothing of it can be called from elsewhere, or calls elsewhere
        assert {*filter(None, room.addresses())} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}

        # the teacher sees who is there, and gets into nobody's server
        teacher = await stack.enter_async_context(Person(room.url, "teacher"))
        await teacher.comes_in(room.shown("teacher"), to_work=False)
        status, seen = await teacher.asks("GET", "hub/api/users")
        assert {user["name"] for user in seen} == {"teacher", *names}, status
        assert (await teacher.asks("GET", "user/ada/api/contents"))[0] in (302, 403)

    assert [place.running(name) for name in names] == [[], [], []]
    async with AsyncExitStack() as stack:
        room = stack.enter_context(place.opened("--cull", "0.05", "--self-signed"))
        assert "password" not in room.said
        eve = await stack.enter_async_context(Person(room.url, "ada"))
        with pytest.raises(NotLetIn, match="Somebody has the name ada"):
            await eve.comes_in("the secret of eve", password)
        again = await stack.enter_async_context(Person(room.url, "ada"))
        await again.comes_in("the secret of ada")
        assert "time.sleep" not in work.read_text()
        assert work.stat().st_uid == learners.user(place.room, "ada").pw_uid

        # she leaves, and her server ends
        await until(lambda: "Culling server ada" in place.room.state.log.read_text(errors="replace"))
        await until(lambda: not place.running("ada"))

    done = place.run("delete", "--yes", "--keep", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stderr
    (archive,) = (tmp_path / "kept").iterdir()
    with tarfile.open(archive) as kept:
        assert f"ada/course/workspace/{SPEECH}" in kept.getnames()
    assert not place.folder.exists()
    assert [name for name in names if learners._found(f"{place.prefix}{name}")] == []
