"""What surrounds the process that judges: its environment variables."""

from __future__ import annotations

import os
from pathlib import Path

import certifi

ONE_CERTIFICATE = "one-certificate.pem"


def environment(scratch: Path) -> dict[str, str]:
    """The environment variables of a process that judges, and puts its temporary files into `scratch`."""
    variables = {
        **os.environ,
        "CHAINLIT_APP_ROOT": str(scratch),  # importing it writes files there
        "PYTEST_ADDOPTS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONUNBUFFERED": "1",
        "SSL_CERT_FILE": str(one_certificate(scratch)),
        "TMPDIR": str(scratch),
        "TEMP": str(scratch),
        "TMP": str(scratch),
    }
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # or each verdict would compile the SDKs anew
    return variables


def one_certificate(folder: Path) -> Path:
    """Write a CA bundle of one certificate into a folder, and return the file, `ONE_CERTIFICATE`.

    The tests build many HTTP clients, which all talk to loopback and need none: reading the whole bundle for each took
    a fifth of the time.
    """
    end = "-----END CERTIFICATE-----\n"
    file = folder / ONE_CERTIFICATE
    file.write_text(certifi.contents().partition(end)[0] + end, encoding="utf-8")
    return file
