"""What `chainlit run` is given: it loads a file by its path, and this one imports the chat page from its package."""

from importlib import import_module
from pathlib import Path

import_module(f"{Path(__file__).resolve().parents[2].name}.interfaces.chainlit.app")
