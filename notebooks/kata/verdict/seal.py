"""Whether the code under test has replaced what it is judged with.

What is judged runs in the same process as its judge, and Python lets anybody replace anything. A seal remembers the
functions and classes of the modules that a verdict stands on, and says which of them has been replaced since.

It stops mistakes and simple tricks: a patched `Pulse.check`, a `time.sleep` that does nothing, a test swapped for
another. It does not stop somebody who has read it: who puts everything back before it looks, or reaches into the
instruments' data. Whoever does that deceives only themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

_PACKAGES = ("_pytest", "asyncio", "blockbuster", "concurrent", "kata", "pluggy", "pytest", "pytest_asyncio", "tests")
_MODULES = ("bisect", "builtins", "gc", "io", "json", "os", "select", "selectors", "socket", "ssl", "tempfile")
_MODULES += ("threading", "time", "traceback")
_OF_SYS = ("_current_frames", "_getframe", "addaudithook")

_SEALED = (FunctionType, BuiltinFunctionType, type, property, classmethod, staticmethod)


class Seal:
    """Remembers what stands where at this moment."""

    def __init__(self) -> None:
        self._places = [
            (namespace, name, value, where)
            for namespace, where in _namespaces()
            for name, value in list(namespace.items())
            if isinstance(value, _SEALED)
        ]
        self._places += [(vars(sys), name, getattr(sys, name), "sys") for name in _OF_SYS]
        functions = {id(function): function for _, _, value, _ in self._places for function in _functions(value)}
        self._insides = [(each, each.__code__, each.__defaults__) for each in functions.values()]

    def broken(self) -> str | None:
        """The name of something that has been replaced since, such as ``kata.instruments.pulse.Pulse.check``."""
        for namespace, name, value, where in self._places:
            if namespace.get(name) is not value:
                return f"{where}.{name}"
        for function, code, defaults in self._insides:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return f"{function.__module__}.{function.__qualname__}"
        return None


def _namespaces() -> Iterator[tuple[Any, str]]:
    """What holds functions, and what it is called: modules, and the classes that are defined in them."""
    for where, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and (where in _MODULES or where.partition(".")[0] in _PACKAGES):
            yield vars(module), where
            for name, value in list(vars(module).items()):
                if isinstance(value, type) and value.__module__ == where:
                    yield vars(value), f"{where}.{name}"


def _functions(value: object) -> Iterator[FunctionType]:
    if isinstance(value, property):
        yield from (each for each in (value.fget, value.fset) if isinstance(each, FunctionType))
    elif isinstance(function := getattr(value, "__func__", value), FunctionType):
        yield function
