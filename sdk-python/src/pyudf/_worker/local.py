"""A worker in a thread of this process, for tests: it runs the very functions that they define."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from typing import Final

from pyudf._worker.mainthread import MainThread
from pyudf._worker.output import Output
from pyudf._worker.serve import blank, new_server, offer
from pyudf.app import App

__all__ = ["LocalWorker"]

_PATIENCE: Final = 1.0


class LocalWorker:
    """Serves an app on a Unix socket until it is closed. What functions print, they print here.

    Attributes:
        socket: Where an engine finds it.
    """

    def __init__(self, app: App) -> None:
        """Begin to serve.

        Raises:
            DefinitionError: As for ``App.plan``.
            LoadError: The app has a state of a type that nothing can store.
        """
        description = blank()
        self._calls = MainThread(offer(app, description), Output(2))
        self._directory = tempfile.mkdtemp(prefix="pyudf-")
        self.socket = os.path.join(self._directory, "worker.sock")
        self._server = new_server(description, self._calls)
        self._server.add_insecure_port(f"unix:{self.socket}")
        self._server.start()
        self._thread = threading.Thread(target=self._calls.run, name="pyudf-worker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the worker. A function that never returns keeps its thread."""
        self._calls.halt()
        self._server.stop(grace=None).wait(_PATIENCE)
        self._thread.join(_PATIENCE)
        shutil.rmtree(self._directory, ignore_errors=True)
