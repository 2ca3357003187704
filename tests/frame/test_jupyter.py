"""`jupyter lab`, started as the README says: the first notebook, on loopback, behind a token, offline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kata.audit import project_root


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The address that JupyterLab prints for the learner."""
    runtime = tmp_path_factory.mktemp("runtime")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.port=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(runtime)}
    with subprocess.Popen(
        command, cwd=project_root(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            for line in server.stderr:
                if match := re.search(r"http://(?:localhost|127\.0\.0\.1):[1-9]\d*/\S*token=\w+", line):
                    yield match.group()
                    break
            else:
                pytest.fail("JupyterLab ended without an address")
        finally:
            server.kill()


def test_it_opens_the_first_notebook(address):
    assert urlsplit(address).path == "/lab/tree/notebooks/00_start_here.ipynb"


def test_it_is_bound_to_loopback(address):
    assert urlsplit(address).hostname in ("localhost", "127.0.0.1")


def test_it_wants_a_token(address):
    parts = urlsplit(address)
    (token,) = parse_qs(parts.query)["token"]
    api = f"http://127.0.0.1:{parts.port}/api/contents/notebooks"
    assert httpx.get(api).status_code == 403
    assert httpx.get(api, params={"token": token}).status_code == 200


def test_it_asks_nothing_of_the_network(address):
    page = httpx.get(address, follow_redirects=True).text
    settings = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))
    assert settings["news"] == {"disabled": True}
    assert "@jupyterlab/apputils-extension:announcements" in settings["disabledExtensions"]
    assert settings["extensionManager"]["can_install"] is False
    parts = urlsplit(address)
    (token,) = parse_qs(parts.query)["token"]
    update = httpx.get(f"http://127.0.0.1:{parts.port}/lab/api/update", params={"token": token})
    assert update.json().get("notification") is None
