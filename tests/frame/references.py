"""Files that prose names between backticks, and whether they are there."""

from __future__ import annotations

import re
from pathlib import Path

FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"\.?[\w-]+(?:[./][\w.-]+)*/?")
SUFFIXES = (".ipynb", ".md", ".py", ".toml", ".txt", ".yml")


def named(text: str) -> list[str]:
    """What looks like a file or a folder of the project; a ``::name`` behind it is left off."""
    words = (word.partition("::")[0] for word in QUOTED.findall(FENCED.sub("", text)))
    return [word for word in words if FILE.fullmatch(word) and word.endswith(("/", *SUFFIXES))]


def missing(text: str, root: Path) -> list[str]:
    """Named files that are neither in the project, nor in notebooks/, nor in a package; workspace/ is like starter/."""
    complaints = []
    for name in named(text):
        place = re.sub(r"^workspace/", "starter/", name)
        if not any((folder / place).exists() for folder in (root, root / "notebooks", root / "starter")):
            complaints.append(f"{name} is named and is not there")
    return complaints
