"""What `chainlit run` is given: it loads a file by its path, and this one imports the chat page from its package."""

import sys
from importlib import import_module
from pathlib import Path

package = Path(__file__).resolve().parents[2]
sys.path.insert(1, str(package.parent))  # behind the entry of Chainlit's, which it takes away again
import_module(f"{package.name}.interfaces.chainlit.app")
