"""JupyterHub's configuration for a room; `kata hub` starts JupyterHub with it, and says by KATA_HUB for which room.

What is not said here is JupyterHub's default: cookies, the protection against forged requests, no named servers.
Nothing in it asks anything of the network.
"""

import os
import sys
from pathlib import Path

import psutil

from kata.room.hub import limits, proxy
from kata.room.hub.authenticator import RoomAuthenticator
from kata.room.hub.names import TEACHER
from kata.room.hub.settings import VARIABLE, Room
from kata.room.hub.spawner import RoomSpawner

c = get_config()  # noqa: F821 - JupyterHub puts it there

room = Room.read(Path(os.environ[VARIABLE]))

# where it listens: browsers reach the proxy only, all else is on loopback
c.JupyterHub.bind_url = room.url  # on all addresses, this one is loopback: the proxy is told itself
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = room.hub_port
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{room.proxy_port}"
c.ConfigurableHTTPProxy.command = proxy.command(room)
c.ConfigurableHTTPProxy.pid_file = str(proxy.pid_file(room.state))
if room.certificate and room.key:
    c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = proxy.certificate(room)

# what survives a restart
c.JupyterHub.db_url = f"sqlite:///{room.state.hub / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(room.state.hub / "cookie_secret")
c.JupyterHub.upgrade_db = True  # of an older JupyterHub; a copy is kept
c.JupyterHub.cleanup_servers = True

# who comes in; the teacher sees who is there, starts and ends servers, but does not get into anybody's
c.JupyterHub.authenticator_class = RoomAuthenticator
c.JupyterHub.load_roles = [
    {
        "name": TEACHER,
        "description": "sees who is there, starts and ends their servers",
        "scopes": ["admin-ui", "list:users", "read:users", "servers"],
        "users": [TEACHER],
    },
    {
        "name": "culler",
        "description": "ends the servers of those who have left",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["culler"],
    },
]

# each learner's server
c.JupyterHub.spawner_class = RoomSpawner
RoomSpawner.keeper = limits.keeper(psutil.virtual_memory().total)
c.Spawner.env_keep = []
c.Spawner.notebook_dir = "~/course"
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.mem_limit = room.memory
c.Spawner.cpu_limit = room.cores
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # thirty may come at once
c.LocalProcessSpawner.interrupt_timeout = c.LocalProcessSpawner.term_timeout = 5
c.Spawner.environment = {"JUPYTERHUB_ACTIVITY_INTERVAL": str(max(1, min(300, room.cull // 4)))}
c.Spawner.args = [
    "--LanguageServerManager.autodetect=False",  # there are none; looking for them starts npm
    # a kernel without a browser, after half of the time
    f"--MappingKernelManager.cull_idle_timeout={max(1, room.cull // 2)}",
    f"--MappingKernelManager.cull_interval={max(1, min(300, room.cull // 4))}",
]

# the servers of those who have left
c.JupyterHub.last_activity_interval = max(1, min(300, room.cull // 4))
c.JupyterHub.services = [
    {
        "name": "culler",
        "command": [
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            f"--timeout={room.cull}",
            f"--cull-every={max(1, min(300, room.cull // 4))}",
        ],
    }
]
