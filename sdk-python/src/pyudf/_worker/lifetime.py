"""When a worker process ends: with its parent, on a signal, at the latest soon after its work."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from typing import Final

__all__ = ["end_with", "end_within", "take_signals"]

_POLL_SECONDS: Final = 1.0


def take_signals(*, child: bool) -> None:
    """Let SIGTERM end the process at once: a worker owns nothing that has to be saved.

    Ctrl-C reaches the children of an engine too, which drains them: a child ignores it.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN if child else signal.SIG_DFL)


def end_with(parent: int) -> None:
    """End the process when another one ends, or now if it has."""
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        os._exit(0)
    except (AttributeError, OSError):
        # No pidfd on this system.
        watch = threading.Thread(target=_poll, args=(parent,), daemon=True)
    else:
        watch = threading.Thread(target=_wait, args=(descriptor,), daemon=True)
    watch.start()


def end_within(seconds: float) -> None:
    """End the process in that time if threads or exit handlers of user code hold it up."""
    threading.Thread(target=_expire, args=(seconds,), daemon=True).start()


def _wait(descriptor: int) -> None:
    select.select([descriptor], [], [])
    os._exit(0)


def _poll(parent: int) -> None:
    while True:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            os._exit(0)
        except PermissionError:
            pass
        time.sleep(_POLL_SECONDS)


def _expire(seconds: float) -> None:
    time.sleep(seconds)
    os._exit(0)
