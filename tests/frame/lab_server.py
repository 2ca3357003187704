"""JupyterLab as the course starts it, in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

BOUND = 60.0
"""Seconds after which a server that has not answered is given up."""


@contextmanager
def jupyter_lab(
    folder: Path, runtime: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """JupyterLab in a folder, with nobody's settings but the course's: what it says about itself once it answers."""
    runtime.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.port=0", *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    own = {"JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(runtime)}
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**(environment or os.environ), **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        given_up = threading.Timer(BOUND, server.kill)
        given_up.start()
        try:
            assert server.stderr is not None
            log = []
            for line in server.stderr:
                log.append(line)
                if "jpserver-" in line:  # written by now, and named as the file to open
                    break
            else:
                pytest.fail("JupyterLab ended, or did not answer in time:\n" + "".join(log))
            (file,) = runtime.glob("jpserver-*.json")
            about = json.loads(file.read_text(encoding="utf-8"))
            with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as patient:  # it prints first, then listens
                patient.get(f"{about['url']}api", timeout=BOUND)
            given_up.cancel()
            yield about
        finally:
            given_up.cancel()
            server.kill()
