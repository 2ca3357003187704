"""How many sockets a process may have open."""

from __future__ import annotations

import contextlib
import sys

_ENOUGH = 8192
"""Several for each of the most callers, and for the health checks that wait beside them."""


def allow_many() -> None:
    """Raise this process's own limit on open files, and so that of the processes that it starts, as far as it may.

    macOS begins with 256. Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
