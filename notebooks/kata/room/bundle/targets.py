"""The machines that a bundle can be for: a platform and a Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import mac_platforms

from kata.room.bundle.install import LEAST_GLIBC, LEAST_MACOS, PYTHONS, dotted, list_name

__all__ = ["PLATFORMS", "PYTHONS", "Platform", "Target", "targets"]

RELEASES = range(40)
"""Releases of one Python, 3.11.0 to 3.11.39: more than there ever are."""

_OLD_NAMES = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}


@dataclass(frozen=True, eq=False)
class Platform:
    """A system and its processor.

    Attributes:
        name: As `kata bundle --platform` has it.
        title: In words, with the oldest version that will do.
        tags: What the names of wheels say of it, best first.
        markers: What a requirement's marker sees of it.
    """

    name: str
    title: str
    tags: tuple[str, ...]
    markers: Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """A platform and a Python, such as 3.12."""

    platform: Platform
    python: str

    def __str__(self) -> str:
        return f"{self.platform.name}, Python {self.python}"

    @property
    def list_name(self) -> str:
        """The file in the archive that lists its wheels."""
        return list_name((self.platform.name, self.python))

    def pins(self, requirements: Path) -> list[str]:
        """The lines of requirements.txt that hold on such a machine, whichever release of its Python it has."""
        lines = requirements.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.strip() and self._needs(Requirement(line))]

    def _needs(self, pin: Requirement) -> bool:
        return pin.marker is None or any(pin.marker.evaluate(self._environment(release)) for release in RELEASES)

    def _environment(self, release: int) -> dict[str, str]:
        version = f"{self.python}.{release}"
        return {
            **self.platform.markers,
            "extra": "",
            "implementation_name": "cpython",
            "implementation_version": version,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_version": "",
            "python_full_version": version,
            "python_version": self.python,
        }


def _linux(machine: str) -> tuple[str, ...]:
    tags = []
    for minor in range(LEAST_GLIBC[1], 4, -1):
        tags.append(f"manylinux_2_{minor}_{machine}")
        if (2, minor) in _OLD_NAMES:
            tags.append(f"{_OLD_NAMES[2, minor]}_{machine}")
    return tuple(tags)


def _markers(os_name: str, sys_platform: str, system: str, machine: str) -> Mapping[str, str]:
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
    }


_GLIBC, _MACOS = f"glibc {dotted(LEAST_GLIBC)}", f"macOS {dotted(LEAST_MACOS)}"

PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform
    for platform in (
        Platform(
            "linux",
            f"Linux on x86-64, {_GLIBC} or later",
            _linux("x86_64"),
            _markers("posix", "linux", "Linux", "x86_64"),
        ),
        Platform(
            "linux-arm",
            f"Linux on 64-bit Arm, {_GLIBC} or later",
            _linux("aarch64"),
            _markers("posix", "linux", "Linux", "aarch64"),
        ),
        Platform(
            "macos",
            f"{_MACOS} or later on Apple silicon",
            tuple(mac_platforms(LEAST_MACOS, "arm64")),
            _markers("posix", "darwin", "Darwin", "arm64"),
        ),
        Platform(
            "macos-intel",
            f"{_MACOS} or later on Intel",
            tuple(mac_platforms(LEAST_MACOS, "x86_64")),
            _markers("posix", "darwin", "Darwin", "x86_64"),
        ),
        Platform(
            "windows",
            "Windows on x86-64",
            ("win_amd64",),
            _markers("nt", "win32", "Windows", "AMD64"),
        ),
    )
}


def targets(platforms: Sequence[str], pythons: Sequence[str]) -> list[Target]:
    """Each of these platforms with each of these Pythons; all of them where none is named."""
    return [
        Target(platform, python)
        for name, platform in PLATFORMS.items()
        if name in (platforms or PLATFORMS)
        for python in PYTHONS
        if python in (pythons or PYTHONS)
    ]
