"""The badge that opens the course on Binder, from where the course is published."""

from __future__ import annotations

import re
import shutil
import subprocess
from urllib.parse import quote, urlsplit

from kata.audit import project_root

START = "lab/tree/notebooks/00_start_here.ipynb"
"""What Binder opens."""

_SHORT_FORM = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w-]+):(?P<path>[^/\\].*)")
"""git's own way to write an address: user@host:path."""


class NoPublicAddress(ValueError):
    """Binder could not clone it; the message says what to do."""


def badge(ref: str | None = None, hub: str = "https://mybinder.org") -> str:
    """The badge as Markdown.

    Args:
        ref: A branch, tag or commit; None for the branch that is checked out.
        hub: The address of a BinderHub.

    Raises:
        NoPublicAddress: If the clone has no origin that others can reach.
    """
    hub = hub.rstrip("/")
    spec = provider(_git("remote", "get-url", "origin"))
    address = f"{hub}/v2/{spec}/{quote(ref or _git('branch', '--show-current') or 'HEAD', safe='')}?urlpath={START}"
    return f"[![Open the course on Binder]({hub}/badge_logo.svg)]({address})"


def provider(address: str) -> str:
    """How Binder names a repository: by its host's short name and path, or by its whole address.

    Whoever is named in the address, and their password, are left out.

    Raises:
        NoPublicAddress: If it leads to a folder.
    """
    short = _SHORT_FORM.fullmatch(address)
    parts = urlsplit(f"ssh://{short['host']}/{short['path']}" if short and "://" not in address else address)
    if parts.scheme not in ("http", "https", "ssh", "git") or not parts.hostname:
        raise NoPublicAddress(
            f"origin is {address}, which only this machine can reach: publish the course first, then"
            " `git remote set-url origin ADDRESS`"
        )
    path = parts.path.strip("/").removesuffix(".git")
    if parts.hostname == "github.com":
        return f"gh/{quote(path)}"
    if parts.hostname == "gitlab.com":
        return f"gl/{quote(path, safe='')}"
    port = f":{parts.port}" if parts.port and parts.scheme in ("http", "https") else ""
    return f"git/{quote(f'https://{parts.hostname}{port}/{path}', safe='')}"


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise NoPublicAddress("git is not installed, and only git knows where your clone is from")
    done = subprocess.run([git, *arguments], cwd=project_root(), capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise NoPublicAddress(
            f"git knows no origin of {project_root()} ({done.stderr.strip()}): publish the course first, then"
            " `git remote add origin ADDRESS`"
        )
    return done.stdout.strip()
