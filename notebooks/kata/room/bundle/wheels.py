"""Wheels for machines of all kinds: what requirements.txt pins, fetched by pip from the registry that it knows."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from kata.room.bundle.errors import CannotBundle, NoWheel, Unreachable
from kata.room.bundle.targets import PYTHONS, Target

_NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")
_NO_ANSWER = re.compile(
    r"connection broken|Could not fetch URL|Failed to establish|Max retries|ProxyError|SSLError|timed out|"
    r"Failed to fetch|dns error|HTTP error 5"
)

SHARE = 40
"""Packages that one call of pip is asked for: where one has no wheel, the rest of its share is asked for again."""

AT_ONCE = 4
"""Calls of pip at a time, which mostly wait for the registry."""

_EPOCH = "315532800"  # 1980, the oldest time that a zip file knows: what is built here is the same each time


@dataclass(frozen=True)
class Listed:
    """A pin of requirements.txt, and the wheel that satisfies it.

    Attributes:
        pin: The line.
        wheel: The wheel's file name.
        sum: Its SHA-256.
    """

    pin: str
    wheel: str
    sum: str

    def __str__(self) -> str:
        return f"{self.pin} --hash=sha256:{self.sum}  # {self.wheel}"


class Pool:
    """A folder in which wheels gather, each once, whichever targets want it.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sums: dict[str, str] = {}
        self._for_everybody: dict[tuple[str, str], str] = {}

    def of(self, target: Target, requirements: Path) -> list[Listed]:
        """Every wheel that the course needs on such a machine.

        Raises:
            NoWheel: If there is none for a package.
            CannotBundle: If they cannot be fetched.
        """
        pins = target.pins(requirements)
        found = dict(self._for_everybody)
        absent = self._fetch([pin for pin in pins if _key(pin) not in found], target, found)
        self._build(absent, found)
        if missing := [pin for pin in pins if _key(pin) not in found]:
            raise NoWheel({str(target): missing})
        return [self._listed(pin, found[_key(pin)]) for pin in pins]

    def tools(self, project: Path, requirements: Path) -> list[Listed]:
        """Pip itself, and what it needs to install the course in such a way that its files can be edited.

        Raises:
            CannotBundle: If they cannot be fetched.
        """
        table = tomllib.loads(project.read_text(encoding="utf-8"))
        wanted = ["pip", "editables", *table["build-system"]["requires"]]
        form = ["--only-binary=:all:", "--implementation", "py", "--platform", "any", "--python-version", PYTHONS[0]]
        with self._aside() as folder:
            said = _pip("download", *form, "--constraint", requirements, "--dest", folder, *wanted)
            if said is not None:
                raise CannotBundle(f"{', '.join(wanted)} cannot be fetched, pip says:\n{said}")
            wheels = self._take(folder)
        return [self._listed("{}=={}".format(*key), name) for key, name in sorted(wheels.items())]

    def _fetch(self, pins: Sequence[str], target: Target, found: dict[tuple[str, str], str]) -> list[str]:
        """Fetch what has a wheel for the target; returns the pins that have none."""
        with self._aside() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
            absent = list(pool.map(lambda share: _download(share, target, folder), _shares(pins)))
            found.update(self._take(folder))
        return [pin for share in absent for pin in share]

    def _build(self, pins: Sequence[str], found: dict[tuple[str, str], str]) -> None:
        """Build wheels of packages that are published as source alone. Those that are Python and no more serve all."""
        plain = [_plain(pin) for pin in pins if _is_python(pin)]
        if not plain:
            return
        names = ",".join(pin.partition("==")[0] for pin in plain)
        with self._aside() as folder:
            said = _pip("wheel", "--no-deps", "--no-binary", names, "--wheel-dir", folder, *plain)
            if said is not None:
                raise CannotBundle(f"{', '.join(plain)} cannot be built, pip says:\n{said}")
            built = self._take(folder)
        found.update({key: name for key, name in built.items() if key in self._for_everybody})

    def _take(self, folder: Path) -> dict[tuple[str, str], str]:
        """Move a folder's wheels into the pool; those for any platform are there for all targets."""
        taken = {}
        for file in folder.glob("*.whl"):
            name, version, _, tags = parse_wheel_filename(file.name)
            key = (name, str(version))
            taken[key] = file.name
            if any((tag.interpreter, tag.platform) == ("py3", "any") for tag in tags):
                self._for_everybody[key] = file.name
            self._sums[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
            os.replace(file, self.folder / file.name)
        return taken

    def _listed(self, pin: str, wheel: str) -> Listed:
        return Listed(pin, wheel, self._sums[wheel])

    @contextlib.contextmanager
    def _aside(self) -> Iterator[Path]:
        """A folder on the pool's disk for what is just being fetched."""
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as folder:
            yield Path(folder)


def _shares(pins: Sequence[str]) -> list[list[str]]:
    """The pins in shares that name no package twice: of some, the release of a Python decides which pin holds."""
    shares: list[dict[str, str]] = []
    for pin in pins:
        name = _key(pin)[0]
        room = next((share for share in shares if name not in share and len(share) < SHARE), None)
        if room is None:
            shares.append(room := {})
        room[name] = pin
    return [list(share.values()) for share in shares]


def _download(pins: Sequence[str], target: Target, folder: Path) -> list[str]:
    """Download the target's wheels into a folder; returns the pins that have none."""
    form = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--implementation", "cp"]
    form += ["--python-version", target.python, "--abi", f"cp{target.python.replace('.', '')}"]
    form += [part for tag in target.platform.tags for part in ("--platform", tag)]
    wanted, absent = {_plain(pin): pin for pin in pins}, []
    while wanted:
        said = _pip("download", *form, "--dest", folder, *wanted)
        if said is None:
            break
        named = _NO_WHEEL.search(said)
        if named is None or named[1] not in wanted:
            raise CannotBundle(f"the wheels for {target} cannot be fetched, pip says:\n{said}")
        absent.append(wanted.pop(named[1]))
    return absent


def _is_python(pin: str) -> bool:
    """Whether a package is Python and no more, which is seen where it is installed: here."""
    try:
        return "Root-Is-Purelib: true" in (metadata.distribution(Requirement(pin).name).read_text("WHEEL") or "")
    except metadata.PackageNotFoundError:
        return False


def _plain(pin: str) -> str:
    """A pin without its marker."""
    return pin.partition(" ;")[0]


def _key(pin: str) -> tuple[str, str]:
    requirement = Requirement(pin)
    (version,) = requirement.specifier
    return canonicalize_name(requirement.name), str(Version(version.version))


def _pip(command: str, *arguments: str | Path) -> str | None:
    """Run pip; what it says if it fails, and None if it does not.

    Raises:
        Unreachable: If the registry does not answer.
        CannotBundle: If there is no pip.
    """
    options = ["--quiet", "--progress-bar", "off", "--no-input", "--disable-pip-version-check"]
    options += ["--retries", "3"]  # with none, pip does not say that nobody answered
    call = [*_pip_here(), command, *options, *map(str, arguments)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH, "NO_COLOR": "1"}
    done = subprocess.run(
        call, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode == 0:
        return None
    if _NO_ANSWER.search(done.stderr):
        raise Unreachable(f"the registry cannot be reached, and its wheels are needed:\n{_tail(done.stderr)}")
    return _tail(done.stderr)


def _pip_here() -> list[str]:
    """A call of pip: the environment's own one, as with conda, or one that uv brings."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise CannotBundle("there is neither pip nor uv to fetch wheels with: `pip install uv`, then try again")
    return [uv, "tool", "run", "--quiet", "--python", sys.executable, "pip"]


def _tail(said: str) -> str:
    lines = said.strip().splitlines()
    return "\n".join([line for line in lines if line.startswith("ERROR")] or lines[-8:])
