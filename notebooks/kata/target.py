"""The package under test: starter, solution, the learner's workspace, or any folder of the same shape."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from kata.audit import project_root

NAMES = ("workspace", "starter", "solution")

WORKSPACE_VARIABLE = "KATA_WORKSPACE"
"""Environment variable that moves the workspace elsewhere: a test run sets it to spare the learner's own one."""


class UnknownTarget(ValueError):
    """No package folder goes by this name; the message says what to do."""


def workspace() -> Path:
    """The folder of the learner's own copy, whether it exists yet or not."""
    return Path(os.environ.get(WORKSPACE_VARIABLE) or project_root() / "workspace").resolve()


def folder_of(target: str) -> Path:
    """The folder of a package, by one of `NAMES` or by its path.

    Raises:
        UnknownTarget: If there is no such folder.
    """
    folder = workspace() if target == "workspace" else project_root() / target if target in NAMES else Path(target)
    if folder.is_dir():
        return folder.resolve()
    if target == "workspace":
        raise UnknownTarget(f"there is no workspace at {folder} yet: make it with `kata start`")
    raise UnknownTarget(f"no package folder {target!r}: pass {', '.join(NAMES)} or a path to a folder like starter/")


class TargetDoesNotImport(Exception):
    """A module of the package under test raised when it was imported; the cause is what it raised."""


class Target:
    """A package under test, importable under a name of its own and always from its present source.

    Args:
        folder: The package's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.name = self.folder.name
        self._package = f"_target_{self.name}"

    def __repr__(self) -> str:
        return self.name

    def load(self, module: str = "") -> ModuleType:
        """Import a module of the package, such as ``modules.speech.speech_to_text``.

        Raises:
            TargetDoesNotImport: From whatever the module raises when it is imported.
        """
        finder = _FreshSource(self._package, self.folder)
        if finder not in sys.meta_path:
            sys.meta_path.insert(0, finder)
        try:
            return importlib.import_module(f"{self._package}.{module}" if module else self._package)
        except (Exception, SystemExit) as error:
            raise TargetDoesNotImport(f"{self.name} does not import") from error


class _FreshSource(MetaPathFinder):
    """Finds one package's modules, and compiles them from source each time a process imports them.

    Python's own cache of compiled modules is told apart by seconds and size, which an edit can leave unchanged.
    """

    def __init__(self, package: str, folder: Path) -> None:
        self._package, self._folder = package, folder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _FreshSource) and (self._package, self._folder) == (other._package, other._folder)

    def __hash__(self) -> int:
        return hash((self._package, self._folder))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, *parts = fullname.split(".")
        if package != self._package:
            return None
        place = self._folder.joinpath(*parts)
        if place.is_dir():
            source = place / "__init__.py"
            if not source.is_file():
                return None
            return importlib.util.spec_from_file_location(
                fullname, source, loader=_SourceOnly(fullname, str(source)), submodule_search_locations=[str(place)]
            )
        source = place.with_name(f"{place.name}.py")
        if not source.is_file():
            return None
        return importlib.util.spec_from_file_location(fullname, source, loader=_SourceOnly(fullname, str(source)))


class _SourceOnly(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)
