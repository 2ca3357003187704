"""JupyterHub's configuration, read as JupyterHub reads it."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is missing: uv sync --group hub")

from dataclasses import replace

from traitlets.config import Config, PyFileConfigLoader

from kata.room.hub import certificate, limits, proxy
from kata.room.hub.names import TEACHER
from kata.room.hub.settings import VARIABLE, Room

FILE = Path(proxy.__file__).with_name("jupyterhub_config.py")


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A room; what has to be tried out on the machine counts as tried."""
    room = Room(folder=str(tmp_path / "state"), port=8123, hub_port=8124, proxy_port=8125, cull=1200)
    room.state.make()
    monkeypatch.setenv(VARIABLE, room.folder)
    monkeypatch.setattr(limits, "keeper", lambda _: limits.Rlimits())
    monkeypatch.setattr(proxy, "command", lambda _: ["node", "proxy"])
    return room


def config(room: Room) -> Config:
    room.write()
    return PyFileConfigLoader(FILE.name, str(FILE.parent)).load_config()


def test_nothing_but_the_proxy_can_be_called_from_other_machines(room):
    read = config(replace(room, address="127.0.0.1"))
    assert read.JupyterHub.bind_url == "http://127.0.0.1:8123/"
    assert (read.JupyterHub.hub_ip, read.JupyterHub.hub_port) == ("127.0.0.1", 8124)
    assert read.ConfigurableHTTPProxy.api_url == "http://127.0.0.1:8125"
    assert "ip" not in read.Spawner  # loopback is JupyterHub's default


@pytest.mark.skipif(os.geteuid() != 0, reason="the proxy's copy of the key is given away by root")
def test_on_a_network_address_it_speaks_tls(room):
    pair = certificate.self_signed(room.state.hub, ["192.0.2.7"])
    umask = os.umask(0o077)  # the hub's
    read = config(replace(room, address="192.0.2.7", certificate=str(pair[0]), key=str(pair[1])))
    os.umask(umask)
    assert read.JupyterHub.bind_url == "https://192.0.2.7:8123/"
    key = Path(read.JupyterHub.ssl_key)
    assert key.read_bytes() == pair[1].read_bytes()
    assert (key.stat().st_mode & 0o777, key.stat().st_uid) == (0o640, 0)
    assert key.stat().st_gid == pwd.getpwnam(proxy.USER).pw_gid


@pytest.mark.parametrize(("address", "listens"), [("0.0.0.0", ["--ip", "0.0.0.0"]), ("127.0.0.1", [])])
def test_on_all_addresses_only_the_proxy_is_told_so(room, monkeypatch, address, listens):
    """JupyterHub would look for it at the machine's name, which may lead nowhere; what is said last holds."""
    monkeypatch.undo()
    monkeypatch.setattr(proxy, "_as_nobody", lambda *_: ["echo"])
    room = replace(room, address=address)
    assert room.url == "http://127.0.0.1:8123/"
    told = [*proxy.command(room), "--ip", "127.0.0.1", "--port", "8123"]
    said = subprocess.run(told, capture_output=True, text=True, check=True).stdout.split()
    assert said == ["--ip", "127.0.0.1", "--port", "8123", *listens]


def test_all_that_survives_is_in_the_rooms_folder(room):
    read = config(room)
    kept = [read.JupyterHub.db_url.removeprefix("sqlite:///"), read.JupyterHub.cookie_secret_file]
    assert all(Path(each).parent == room.state.hub for each in [*kept, read.ConfigurableHTTPProxy.pid_file])


def test_the_teacher_gets_into_nobodys_server(room):
    roles = {role["name"]: role for role in config(room).JupyterHub.load_roles}
    assert roles[TEACHER]["users"] == [TEACHER]
    assert not {scope for scope in roles[TEACHER]["scopes"] if scope.startswith(("access", "admin:", "tokens"))}
    assert "admin_users" not in config(room).Authenticator


def test_who_has_left_is_culled_after_the_time_that_was_asked_for(room):
    read = config(room)
    (culler,) = read.JupyterHub.services
    assert culler["command"][:3] == [sys.executable, "-m", "jupyterhub_idle_culler"]
    assert "--timeout=1200" in culler["command"]
    assert "--MappingKernelManager.cull_idle_timeout=600" in read.Spawner.args


def test_a_learners_server_opens_the_first_notebook_in_their_copy(room):
    read = config(room)
    assert read.Spawner.default_url == "/lab/tree/notebooks/00_start_here.ipynb"
    assert read.Spawner.notebook_dir == "~/course"
    assert read.Spawner.env_keep == []


def test_every_setting_is_one_that_jupyterhub_knows(room):
    from jupyterhub.app import JupyterHub  # here: it takes a second, in each worker of pytest

    read = config(room)
    classes = {each.__name__: each for each in JupyterHub().classes} | {"JupyterHub": JupyterHub}
    from jupyterhub.spawner import LocalProcessSpawner

    classes["LocalProcessSpawner"] = LocalProcessSpawner
    unknown = [f"{name}.{key}" for name in read for key in read[name] if key not in classes[name].class_trait_names()]
    assert unknown == []


def test_what_jupyterhub_protects_by_itself_is_left_as_it_is(room):
    read = config(room)
    for name in ("tornado_settings", "admin_access", "allow_named_servers", "authenticate_prometheus"):
        assert name not in read.JupyterHub
    assert "cookie_options" not in read.Spawner


def test_what_somebody_writes_into_the_login_page_is_shown_as_text():
    from jinja2 import Template

    page = Path(proxy.__file__).with_name("door.html").read_text(encoding="utf-8")
    bad = "'\"><script>alert(1)</script>"
    names = ("authenticator_login_url", "login_error", "xsrf", "username")
    assert "<script>" not in Template(page).render(dict.fromkeys(names, bad))
    assert 'name="_xsrf"' in page
