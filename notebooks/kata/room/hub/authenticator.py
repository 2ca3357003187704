"""JupyterHub's authenticator: the room's door."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError

from kata.room.hub.accounts import Accounts
from kata.room.hub.door import Door, Refused
from kata.room.hub.settings import VARIABLE, Room


class RoomAuthenticator(Authenticator):
    """Asks for a name and an own password; who comes for the first time also for the class password."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_all = True  # everybody whom the door lets in
        self.custom_html = Path(__file__).with_name("door.html").read_text(encoding="utf-8")
        room = Room.read(Path(os.environ[VARIABLE]))
        self._door = Door(Accounts(room.state.accounts), room.state.learners)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str:
        address = handler.request.remote_ip
        given = (data.get(field, "") for field in ("username", "password", "class_password"))
        try:
            return await self._door.opens_for(address, *given)
        except Refused as refusal:
            self.log.warning("not let in from %s: status %s", address, refusal.status)
            raise HTTPError(refusal.status, str(refusal)) from None
