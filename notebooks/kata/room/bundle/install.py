"""Installs the course from its bundle, on this machine and without a network: `python install.py`.

It stands alone in the archive: nothing but the standard library, in a syntax that older Pythons read as well, so that
they can be told what to do. Whatever it makes is in ``course/.venv``, and it may be run again at any time.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
LEAST_GLIBC = (2, 28)
LEAST_MACOS = (11, 0)

HERE = Path(__file__).resolve().parent
WHEELS, COURSE = HERE / "wheels", HERE / "course"
TOOLS = "tools.txt"
DONE = "bundle.txt"
LONGEST_PATH = 259


class CannotInstall(Exception):
    """The course cannot be installed like this; the message says what to do."""


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a folder's name may have letters that the terminal has not
    try:
        install()
    except CannotInstall as error:
        sys.exit(f"\nThe course is not installed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nThe course is not installed yet: run this again, it begins anew.")


def install() -> None:
    """Make the environment, install everything into it, and say what comes next.

    Raises:
        CannotInstall: If something is not as it has to be.
    """
    target = this_target()
    wheels, wanted = wheels_for(target, WHEELS), WHEELS / list_name(target)
    tools = read_list(WHEELS / TOOLS)
    tell(f"checking {len(wheels)} wheels")
    check_sums({**wheels, **tools})
    check_room(COURSE, wheels)

    environment = COURSE / ".venv"
    stamp = "\n".join([str(environment), sys.version, hashlib.sha256(wanted.read_bytes()).hexdigest()])
    python = make(environment, stamp)

    tell("installing them")
    pip(python, tools, "--no-deps", "--require-hashes", "-r", str(wanted))
    tell("installing the course")
    pip(python, tools, "--no-deps", "-e", ".")
    place = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment), "platbase": str(environment)}))
    point_to_the_course(place)
    if not sys.dont_write_bytecode:
        tell("compiling everything once, so that it starts faster")
        run([python, "-m", "compileall", "-q", "-q", "-j", "0", str(place), str(COURSE / "notebooks" / "kata")])
    check_course(python)
    (environment / DONE).write_text(stamp, encoding="utf-8")

    scripts = os.path.join(".venv", "Scripts" if os.name == "nt" else "bin", "")
    tell(
        "\nThe course is installed, and nothing was fetched for it. To begin:\n\n"
        f'    cd "{COURSE}"\n'
        f"    {scripts}jupyter lab\n\n"
        f"Where the course says `uv run`, such as `uv run kata check 1.4`, type {scripts} instead, in that folder:\n\n"
        f"    {scripts}kata check 1.4\n\n"
        f"`{scripts}kata doctor` looks whether everything is in place."
    )


def this_target() -> tuple[str, str]:
    """The platform and the Python that run this.

    Raises:
        CannotInstall: If no bundle can be for them.
    """
    version = "{}.{}".format(*sys.version_info[:2])
    if version not in PYTHONS or platform.python_implementation() != "CPython":
        wanted = sorted({file.stem.rpartition("-")[2] for file in WHEELS.glob("*-3.*.txt")}) or PYTHONS
        here = [name for name in (f"python{python}" for python in wanted) if shutil.which(name)]
        todo = f"run it by `{here[-1]} install.py`" if here else "install one of them, then try again with that"
        raise CannotInstall(
            f"this is {platform.python_implementation()} {version}, and it needs Python {' or '.join(wanted)}: {todo}."
        )
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise CannotInstall("this Python is the free-threaded one: run it by the usual one, which has a GIL.")
    return this_platform(), version


def this_platform() -> str:
    """The platform's name, as `kata bundle --platform` has it.

    Raises:
        CannotInstall: If no bundle can be for it.
    """
    built_for = sysconfig.get_platform()
    if sys.maxsize < 2**32:
        raise CannotInstall(
            f"this Python is a 32-bit one ({built_for}): install a 64-bit one, then try again with that."
        )
    machine = platform.machine().lower()
    if sys.platform == "win32" and built_for == "win-amd64":
        return "windows"
    if sys.platform == "darwin":
        version = tuple(int(part) for part in platform.mac_ver()[0].split(".")[:2])
        if version < LEAST_MACOS:
            raise CannotInstall(f"this is macOS {dotted(version)}, and it needs {dotted(LEAST_MACOS)} or later.")
        return "macos" if machine == "arm64" else "macos-intel"
    if sys.platform == "linux" and machine in ("x86_64", "amd64", "aarch64", "arm64"):
        libc, version = platform.libc_ver()
        if libc != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < LEAST_GLIBC:
            found = f"{libc} {version}".strip() or "another C library"
            raise CannotInstall(f"this Linux has {found}, and it needs glibc {dotted(LEAST_GLIBC)} or later.")
        return "linux" if machine in ("x86_64", "amd64") else "linux-arm"
    raise CannotInstall(f"there are no bundles for {built_for}.")


def list_name(target: tuple[str, str]) -> str:
    """The file that lists the wheels for a platform and a Python."""
    return "{}-{}.txt".format(*target)


def wheels_for(target: tuple[str, str], folder: Path) -> dict[str, str]:
    """The wheels for a platform and a Python, each with its SHA-256.

    Raises:
        CannotInstall: If the bundle is for others.
    """
    file = folder / list_name(target)
    if file.is_file():
        return read_list(file)
    there = sorted(each.stem.replace("-3", " with Python 3") for each in folder.glob("*-3.*.txt"))
    if not there:
        raise CannotInstall(f"{folder} has no list of wheels: unpack the whole archive, then run this from there.")
    raise CannotInstall(
        f"this bundle is for {', '.join(there)}, and this is {target[0]} with Python {target[1]}:"
        " run it by another Python, or ask for a bundle that has this one."
    )


def read_list(file: Path) -> dict[str, str]:
    """The wheels in a list, each with its SHA-256. A line is `name==version --hash=sha256:SUM  # FILE`."""
    wheels = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if "--hash=sha256:" in line:
            pin, _, name = line.partition("  # ")
            wheels[name] = pin.rpartition("--hash=sha256:")[2]
    return wheels


def check_sums(wheels: Mapping[str, str]) -> None:
    """Whether each wheel is as it was made.

    Raises:
        CannotInstall: If one is missing or damaged.
    """
    for name, wanted in wheels.items():
        file = WHEELS / name
        if not file.is_file():
            raise CannotInstall(f"{name} is missing in {WHEELS}: unpack the archive again.")
        if hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            raise CannotInstall(f"{name} is damaged: copy the archive again, unpack it, then try again.")


def check_room(course: Path, wheels: Iterable[str]) -> None:
    """Whether the disk has room, and Windows takes paths of the length that this needs.

    Raises:
        CannotInstall: If not.
    """
    if not (course / "pyproject.toml").is_file():
        raise CannotInstall(f"{course} is missing: unpack the whole archive, then run this from there.")
    if not os.access(str(course), os.W_OK):
        raise CannotInstall(
            f"{course} cannot be written: copy the folder to a disk of yours, then run this from there."
        )
    size, longest = 0, 0
    for name in wheels:
        with zipfile.ZipFile(str(WHEELS / name)) as wheel:
            for member in wheel.infolist():
                size, longest = size + member.file_size, max(longest, len(compiled(member.filename)))
    free = shutil.disk_usage(str(course)).free
    if free < 1.5 * size:
        raise CannotInstall(f"{free // 2**20} MB are free on its disk: make room for {int(1.5 * size) // 2**20}.")
    if os.name == "nt" and not takes_long_paths():
        check_path(str(course), longest)


def check_path(course: str, longest: int) -> None:
    """Whether a Windows that takes no long paths can have the course in this folder.

    Args:
        course: The folder.
        longest: Characters of the longest path below site-packages.

    Raises:
        CannotInstall: If not.
    """
    room = LONGEST_PATH - longest - len("\\.venv\\Lib\\site-packages\\")
    if len(course) > room:
        raise CannotInstall(
            f"Windows takes paths of {LONGEST_PATH} characters, and {course} leaves too few of them: move all of this"
            f" to where the path of its folder `course` has {room} at most, such as C:\\unblock, then try again."
        )


def compiled(name: str) -> str:
    """A wheel's file as compiled, which is the longest path that it leads to."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}__pycache__/{file[:-3]}.cpython-313.pyc" if file.endswith(".py") else name


def takes_long_paths() -> bool:
    """Whether this Windows was told to take long paths."""
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def make(environment: Path, stamp: str) -> Path:
    """Make the environment, or keep the one that was made from this bundle; returns its Python.

    Raises:
        CannotInstall: If there is something else in its place, or it cannot be made.
    """
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = environment / DONE
    if done.is_file() and done.read_text(encoding="utf-8") == stamp and python.exists():
        tell(f"{environment} is there already: what it lacks is added")
        return python
    if environment.exists() and not (environment / "pyvenv.cfg").is_file():
        raise CannotInstall(f"{environment} is no environment of Python's: move it away, then try again.")
    tell(f"making {environment}" + (" anew" if environment.exists() else ""))
    try:
        import venv
    except ImportError:
        raise CannotInstall(
            "this Python lacks its module venv: install it (on Debian and Ubuntu, the package is called"
            " python3-venv), or run this by another Python."
        ) from None
    try:  # without pip: the bundle brings its own, and not every system's Python can make one
        venv.EnvBuilder(clear=environment.exists(), symlinks=os.name != "nt", with_pip=False).create(str(environment))
    except UnicodeError:
        raise CannotInstall(
            f"Python cannot write down the name of {environment.parent}: move all of this to a folder with a plain"
            " name, then try again."
        ) from None
    except OSError as error:
        raise CannotInstall(
            f"{error}. Close what runs from {environment}, such as JupyterLab, then try again."
        ) from None
    return python


def pip(python: Path, tools: Iterable[str], *arguments: str) -> None:
    """Run the bundle's own pip in the environment, without a network and without anybody's settings.

    Raises:
        CannotInstall: If it fails.
    """
    (wheel,) = (name for name in tools if name.startswith("pip-"))
    offline = ["--no-index", "--find-links", str(WHEELS), "--no-compile", "--disable-pip-version-check"]
    done = run([python, str(WHEELS / wheel / "pip"), "install", "--quiet", *offline, *arguments])
    if done.returncode:
        raise CannotInstall(
            f"pip says\n\n{tail(done)}\n\nTry again; if it stays so, show that to whoever made the bundle."
        )


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command in the course's folder, and keep what it says."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=str(COURSE),
        env={**settings, "PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8:replace"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def point_to_the_course(place: Path) -> None:
    """Have the environment find the course by a way that needs no letters of the folder's name.

    Python 3.11 and 3.12 read such a file in the system's encoding, pip writes it in UTF-8, and on Windows these differ.
    """
    (file,) = place.glob("*unblock_the_loop.pth")
    folders = [os.path.relpath(str(folder), str(place)) for folder in (COURSE / "notebooks", COURSE)]
    file.write_text("\n".join(folders) + "\n", encoding="ascii")


def check_course(python: Path) -> None:
    """Whether the environment has the course of this folder, and its command starts.

    Raises:
        CannotInstall: If not.
    """
    code = "import os, sys, starter, kata.audit; assert os.path.samefile(kata.audit.project_root(), sys.argv[1])"
    kata = python.with_name("kata.exe" if os.name == "nt" else "kata")
    for command in ([python, "-I", "-c", code, COURSE], [kata, "--version"]):
        try:
            done = run(command)
            said = tail(done) if done.returncode else ""
        except OSError as error:
            said = str(error)
        if said:
            todo = "move all of this to a folder with a plain name, then try again"
            raise CannotInstall(f"it does not start from {COURSE}: {todo}.\n{said}")


def tail(done: subprocess.CompletedProcess[str]) -> str:
    """The last lines of what a command said."""
    return "\n".join(done.stdout.strip().splitlines()[-12:]) or f"it left with status {done.returncode}"


def dotted(version: Iterable[int]) -> str:
    return ".".join(str(part) for part in version)


def tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
