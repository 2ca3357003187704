"""A started JupyterLab as the machine sees it: its sockets, and what it opens in a folder that is not the course."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import listening
import pytest
from lab_server import BOUND, jupyter_lab

from kata.audit import project_root


def opens(about: dict[str, Any]) -> str:
    """Where the server sends who comes to its door with the token."""
    answer = httpx.get(about["url"], params={"token": about["token"]}, timeout=BOUND)
    return httpx.URL(answer.headers["location"]).path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with jupyter_lab(project_root(), tmp_path_factory.mktemp("runtime")) as about:
        yield about


def test_only_this_machine_can_call_it(server):
    assert listening.exposed(listening.addresses(server["pid"])) == []


def test_the_door_leads_to_the_first_notebook(server):
    assert opens(server) == "/lab/tree/notebooks/00_start_here.ipynb"


def test_nobody_comes_in_without_the_token(server):
    for headers in ({}, {"Authorization": "token 0123456789"}):
        assert httpx.get(f"{server['url']}api/contents", headers=headers).status_code == 403
    key = {"Authorization": f"token {server['token']}"}
    assert httpx.get(f"{server['url']}api/contents", headers=key).status_code == 200


def test_it_asks_nothing_of_the_network(server):
    address = f"{server['url']}lab"
    page = httpx.get(address, params={"token": server["token"]}, follow_redirects=True).text
    settings = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))
    assert settings["news"] == {"disabled": True}
    assert "@jupyterlab/apputils-extension:announcements" in settings["disabledExtensions"]
    assert settings["extensionManager"]["can_install"] is False


def test_in_a_folder_without_the_course_the_door_leads_to_the_launcher(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with jupyter_lab(tmp_path / "elsewhere", tmp_path / "runtime") as about:
        assert opens(about) == "/lab"


def test_an_address_that_others_can_call_is_found():
    assert listening.exposed({"127.0.0.1", "::1"}) == []
    assert listening.exposed({"127.0.0.1", "0.0.0.0"}) == ["it listens on 0.0.0.0"]
    assert listening.exposed({"::", "192.0.2.7"}) == ["it listens on 192.0.2.7", "it listens on ::"]
    assert listening.exposed(set()) == ["it listens nowhere"]


def test_a_listening_socket_is_seen():
    with socket.create_server(("127.0.0.1", 0)):
        assert "127.0.0.1" in listening.addresses(os.getpid())
