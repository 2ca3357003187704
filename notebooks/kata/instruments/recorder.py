"""Blocking calls that raise no audit event, recorded: blockbuster, as a witness and never as a judge.

blockbuster replaces blocking functions of the standard library and raises where one is called in async code. Its
exception would be swallowed by the very retry loops under test, and would break the notebook's kernel. So every
function's predicate is replaced by one that writes the call down and lets it through.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any

from blockbuster import BlockBuster
from blockbuster.blockbuster import BlockBusterFunction

Witness = Callable[[str, str | None], None]
"""Called in the thread that is about to block, with the function's name and a file's path, if it has one."""

_NEITHER_DISK_NOR_NETWORK = (
    "os.getcwd",
    "os.path.abspath",
    "os.path.samestat",
    "os.path.sameopenfile",
    "threading.Lock.acquire",
    "threading.Lock.acquire_lock",
)
"""Left out: these ask the kernel's memory, or wait only if a lock is taken, which the beats show better."""

_SEEN_BY_THE_AUDIT_HOOK = (
    "os.link",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.replace",
    "os.rmdir",
    "os.scandir",
    "os.symlink",
    "os.unlink",
)
"""Left out as well, or `disk` and this module would both tell of them."""

_ADDED = ("ssl.SSLContext.load_verify_locations",)
"""Missing from blockbuster's list: parsing the CA bundle, the larger part of what building an HTTP client costs."""

_witnesses: dict[int, Witness] = {}
_functions: list[BlockBusterFunction] = []
_switch = threading.Lock()


def testify(witness: Witness) -> int:
    """Have every blocking call made in a thread with a running event loop reported; returns the key for `dismiss`."""
    key = id(witness)
    with _switch:
        if not _functions:
            _functions.extend(_recording_functions())
        if not _witnesses:
            for function in _functions:
                function.activate()
        _witnesses[key] = witness
    return key


def dismiss(key: int) -> None:
    """Stop reporting; with the last witness the standard library is put back as it was."""
    with _switch:
        if _witnesses.pop(key, None) is not None and not _witnesses:
            for function in _functions:
                function.deactivate()


def _recording_functions() -> list[BlockBusterFunction]:
    left_out = {*_NEITHER_DISK_NOR_NETWORK, *_SEEN_BY_THE_AUDIT_HOOK}
    functions = {name: function for name, function in BlockBuster().functions.items() if name not in left_out}
    functions |= {name: BlockBusterFunction(None, name) for name in _ADDED}
    for name, function in functions.items():
        function.can_block_predicate = _recording(name, function.can_block_predicate, function.can_block_functions)
    return list(functions.values())


def _recording(
    name: str, does_not_block: Callable[..., bool], allowed_in: Sequence[tuple[str, Iterable[str]]]
) -> Callable[..., bool]:
    def write_down_and_let_through(*args: Any, **kwargs: Any) -> bool:
        if not does_not_block(*args, **kwargs) and not _is_within(allowed_in, sys._getframe()):
            path = _path_of(args[0]) if args and name.startswith(("io.", "os.")) else None
            for witness in list(_witnesses.values()):
                witness(name, path)
        return True

    return write_down_and_let_through


def _is_within(places: Sequence[tuple[str, Iterable[str]]], frame: FrameType | None) -> bool:
    """Whether a function that blockbuster lets block, such as asyncio's `subprocess_exec`, is on the stack."""
    while places and frame is not None:
        filename, function = frame.f_code.co_filename.replace("\\", "/"), frame.f_code.co_name
        if any(filename.endswith(ending) and function in functions for ending, functions in places):
            return True
        frame = frame.f_back
    return False


def _path_of(target: object) -> str | None:
    name = getattr(target, "name", target)
    return name if isinstance(name, str) else None
