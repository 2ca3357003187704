"""JupyterLab's settings for the course; installed into the environment, so that plain `jupyter lab` has them.

Bound to loopback, and behind a token: both are Jupyter's defaults, and left as they are.
"""

from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter puts it there

if Path("notebooks/00_start_here.ipynb").is_file():
    c.LabApp.default_url = "/lab/tree/notebooks/00_start_here.ipynb"

# nothing is asked of the network
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
