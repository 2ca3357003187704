"""Who may come in: an own password for each name, and the class password for those who come for the first time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kata.room.hub import passwords
from kata.room.hub.accounts import Accounts
from kata.room.hub.names import BadName, name_of
from kata.room.hub.throttle import Throttle

NOT_LET_IN = (
    "Not let in. If you have been here before: your name and your own password. If this is your first time: the class "
    "password as well, and an own password of your choice."
)


class Refused(Exception):
    """Somebody is not let in; the message is for them.

    Attributes:
        status: The HTTP status that says why.
    """

    def __init__(self, message: str, status: int = 403) -> None:
        self.status = status
        super().__init__(message)


class Door:
    """The door of a room.

    Args:
        accounts: Who has which name.
        learners: The folder of the learners' homes: a name with a home and without an account is nobody's to take.
        guesses: Wrong passwords for one name from one address.
        guesses_by_name: The same from all addresses together.
        guesses_by_address: From one address for all names; thirty people in a room may share one.
    """

    def __init__(
        self,
        accounts: Accounts,
        learners: Path,
        guesses: Throttle | None = None,
        guesses_by_name: Throttle | None = None,
        guesses_by_address: Throttle | None = None,
    ) -> None:
        self._accounts, self._learners = accounts, learners
        self._guesses = guesses or Throttle(6, 20)
        self._by_name = guesses_by_name or Throttle(30, 20)
        self._by_address = guesses_by_address or Throttle(90, 4)
        self._hashing = ThreadPoolExecutor(2, "passwords")  # a flood of guesses costs two cores, and no more

    async def opens_for(self, address: str, name: str, password: str, class_password: str = "") -> str:
        """The name of somebody who is let in.

        Args:
            address: Where they are.
            name: What they have written as their name.
            password: Their own password.
            class_password: The class password, or nothing if they say that they have been here before.

        Raises:
            Refused: If they are not.
        """
        try:
            name = name_of(name)
        except BadName as error:
            raise Refused(f"Not let in: {error}.") from None
        throttles = ((self._guesses, (address, name)), (self._by_name, name), (self._by_address, address))
        taken = []
        for throttle, key in throttles:
            if wait := throttle.take(key):
                for other, its_key in taken:
                    other.give_back(its_key)
                raise Refused(f"Too many wrong passwords: wait {wait} seconds, then try again.", 429)
            taken.append((throttle, key))
        look = asyncio.get_running_loop().run_in_executor(self._hashing, self._look, name, password, class_password)
        refusal = await look
        if refusal is None or refusal.status != 403:
            for throttle, key in taken:
                throttle.give_back(key)
        if refusal is not None:
            raise refusal
        return name

    def _look(self, name: str, password: str, class_password: str) -> Refused | None:
        if self._accounts.has(name):
            if self._accounts.fits(name, password):
                return None
            if class_password and self._accounts.fits_class(class_password):
                return Refused(
                    f"Somebody has the name {name}, with another password. If it is you: ask your teacher for a new "
                    f"one. If not: choose another name, such as {name[:18]}-2."
                )
            return Refused(NOT_LET_IN)
        if not self._accounts.fits_class(class_password):
            return Refused(NOT_LET_IN)
        if (self._learners / name).exists():
            return Refused(f"What {name} has done is here, but no password: ask your teacher for a new one.", 409)
        try:
            passwords.chosen(password, name, class_password)
        except passwords.BadPassword as error:
            return Refused(f"Almost: {error}.", 422)
        if not self._accounts.take(name, password):
            return Refused(f"Somebody has just taken the name {name}: choose another.", 409)
        return None
