"""People in front of a room's door: what their browsers would send, over real sockets, and a kernel to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import uuid
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Self

import aiohttp

PATIENCE = aiohttp.ClientTimeout(total=300)
FIRST = "notebooks/00_start_here.ipynb"


class NotLetIn(Exception):
    """What the login page said, and with which status."""

    def __init__(self, status: int, said: str) -> None:
        self.status, self.said = status, said
        super().__init__(f"{status}: {said}")


@dataclass
class Answer:
    """What came of a cell: what it printed or showed, and how it failed."""

    text: str = ""
    error: str | None = None


@dataclass
class Person:
    """Somebody with a browser of their own.

    Attributes:
        url: The room's address.
        name: Who they are.
        token: What their JupyterLab uses to talk to their server; empty before.
    """

    url: str
    name: str
    token: str = ""
    _session: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # the address is a number
        connector = aiohttp.TCPConnector(ssl=False)  # a certificate that is its own
        self._session = aiohttp.ClientSession(cookie_jar=jar, timeout=PATIENCE, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def comes_in(self, password: str, class_password: str = "", *, to_work: bool = True) -> None:
        """Fill in the form of the login page and send it; raises NotLetIn if that leads nowhere."""
        async with self._session.get(f"{self.url}hub/login") as answer:
            page = await answer.text()
        hidden = re.search(r'name="_xsrf" value="([^"]+)"', page)
        assert hidden is not None, page
        form = {"_xsrf": unescape(hidden[1]), "username": self.name, "password": password}
        form |= {"class_password": class_password}
        async with self._session.post(f"{self.url}hub/login", data=form, allow_redirects=False) as answer:
            if answer.status != 302:
                said = re.search(r'role="alert">(.*?)</p>', await answer.text(), re.DOTALL)
                raise NotLetIn(answer.status, unescape(said[1]).strip() if said else "")
            leads_to = answer.headers["location"]
        if to_work:
            async with self._session.get(self.url.rstrip("/") + leads_to) as answer:  # which starts their server
                assert answer.status == 200, await answer.text()

    async def opens_lab(self, user: str | None = None) -> str:
        """Wait for the server to be started, and open JupyterLab; returns the page."""
        user = user or self.name
        async with self._session.get(f"{self.url}hub/api/users/{user}/server/progress") as events:
            assert events.status == 200, await events.text()
            async for line in events.content:
                if line.startswith(b"data:") and (event := json.loads(line[5:])).get("failed"):
                    raise AssertionError(event)
        async with self._session.get(f"{self.url}user/{user}/") as answer:
            page = await answer.text()
            assert answer.status == 200, page
            self.opened = str(answer.url)
        config = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
        assert config is not None, page
        self.config = json.loads(config[1])
        self.token = self.config["token"]
        return page

    async def asks(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Ask one's own server, or the hub; the status, and what it says."""
        headers = {"Authorization": f"token {self.token}"} if self.token else {}
        async with self._session.request(method, f"{self.url}{path}", headers=headers, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text[:1] in ("{", "[") else text

    async def opens_notebook(self, path: str = FIRST) -> Kernel:
        """Have a kernel for a notebook."""
        wanted = {"kernel": {"name": "python3"}, "name": path, "path": path, "type": "notebook"}
        status, about = await self.asks("POST", f"user/{self.name}/api/sessions", json=wanted)
        assert status == 201, about
        kernel = f"user/{self.name}/api/kernels/{about['kernel']['id']}"
        socket = await self._session.ws_connect(
            f"{self.url}{kernel}/channels?session_id={uuid.uuid4().hex}",
            headers={"Authorization": f"token {self.token}"},
            max_msg_size=0,
        )
        opened = Kernel(socket, self, kernel)
        await opened.listens()
        return opened


@dataclass
class Kernel:
    """A kernel, over the websocket that JupyterLab would use."""

    socket: aiohttp.ClientWebSocketResponse
    person: Person
    path: str

    async def listens(self) -> None:
        """Ask who it is until the answer comes by both of its channels: what it says before that may get lost."""
        asked, heard = set[str](), set[str]()
        while not {"kernel_info_reply", "idle"} <= heard:
            asked.add(await self._asks("kernel_info_request", {}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    while not {"kernel_info_reply", "idle"} <= heard:
                        said = json.loads(await self.socket.receive_str())
                        if said["parent_header"].get("msg_id") in asked:
                            heard |= {said["msg_type"], said["content"].get("execution_state", "")}

    async def runs(self, code: str) -> Answer:
        """Run a cell to its end; a kernel that dies meanwhile is an error too."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        id = await self._asks("execute_request", content)
        answer, answered, idle = Answer(), False, False
        async for received in self.socket:
            if received.type is not aiohttp.WSMsgType.TEXT:
                break
            said = json.loads(received.data)
            kind, content = said["header"]["msg_type"], said["content"]
            if kind == "status" and content["execution_state"] in ("restarting", "dead", "autorestarting"):
                answer.error = "the kernel has died"
                return answer
            if said["parent_header"].get("msg_id") != id:
                continue
            if kind == "stream":
                answer.text += content["text"]
            elif kind in ("execute_result", "display_data"):
                answer.text += content["data"].get("text/plain", "")
            elif kind == "error":
                answer.error = f"{content['ename']}: {content['evalue']}"
            idle = idle or (kind == "status" and content["execution_state"] == "idle")
            answered = answered or kind == "execute_reply"
            if idle and answered:
                return answer
        answer.error = "the kernel has gone"
        return answer

    async def _asks(self, kind: str, content: dict[str, Any]) -> str:
        """Send a message; its id."""
        id = uuid.uuid4().hex
        header = {"msg_id": id, "msg_type": kind, "username": "", "session": id, "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self.socket.send_str(json.dumps(message | {"channel": "shell", "buffers": []}))
        return id
