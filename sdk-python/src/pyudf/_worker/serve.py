"""Starts a worker process: handshake, user code, server."""

from __future__ import annotations

import argparse
import atexit
import faulthandler
import os
import platform
import socket
import sys
from collections.abc import Sequence
from concurrent import futures
from typing import Final, NoReturn

import grpc

import pyudf
from pyudf import loading
from pyudf._worker import lifetime
from pyudf._worker.execute import executor
from pyudf._worker.failure import user_traceback
from pyudf._worker.mainthread import MainThread, Work
from pyudf._worker.output import Output
from pyudf._worker.servicer import handlers
from pyudf.app import App
from pyudf.errors import LoadError
from pyudf.worker.v1 import worker_pb2

__all__ = ["blank", "describe", "main", "new_server", "offer"]

_COOKIE: Final = ("PYUDF_PLUGIN", "worker")
_BY_HAND: Final = (
    "pyudf.worker is started by the pyudf command; to start one by hand, give --socket PATH"
)
# Engines speak the same version of the protocol, or say which side to update.
_PROTOCOL: Final = 1
# How long answers may take on their way out, and then the end of the process.
_GRACE: Final = 0.5
_LAST: Final = 0.5
# One thread carries the stream of batches for good, the others the short calls.
_THREADS: Final = 4
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker until the engine stops it; return the exit code of the process."""
    options = _parser().parse_args(arguments)
    child = os.environ.get(_COOKIE[0]) == _COOKIE[1]
    if not child and options.socket is None:
        _refuse(_BY_HAND)
    handshake = _take_stdout()
    output = Output(2)
    output.install()
    faulthandler.enable(file=2)
    lifetime.take_signals(child=child)
    if options.parent_pid is not None:
        lifetime.end_with(options.parent_pid)
    if options.socket is not None:
        options.socket = os.path.abspath(options.socket)
    description, works = describe(options)
    if not description.HasField("error"):
        _go_home(options.target)
    thread = MainThread(works, output)
    server = new_server(description, thread, own_process=True)
    path = _listen(server, options.socket)
    output.flush()
    os.write(handshake, f"1|1|unix|{path}|grpc\n".encode())
    os.close(handshake)
    thread.run()
    lifetime.end_within(options.grace + _LAST)
    server.stop(grace=options.grace).wait()
    lifetime.end_within(_LAST)
    return 0


def describe(options: argparse.Namespace) -> tuple[worker_pb2.DescribeResponse, dict[str, Work]]:
    """Load the user's code; return what Describe answers and what runs its functions.

    Code that cannot be loaded is an answer too, never an exception.
    """
    description = blank()
    works: dict[str, Work] = {}
    try:
        app = _load(options)
        works = offer(app, description)
        description.content_hash = loading.content_hash(app, options.target)
    except LoadError as err:
        description.error.message, description.error.traceback = err.message, err.traceback
    # The user's module may raise anything at all, SystemExit too.
    except BaseException as err:
        description.error.message = f"{options.target}: {type(err).__qualname__}: {err}"
        description.error.traceback = user_traceback(err)
    return description, works


def blank() -> worker_pb2.DescribeResponse:
    """Return what Describe answers, but for the user's code."""
    return worker_pb2.DescribeResponse(
        sdk_version=pyudf.__version__,
        python_version=platform.python_version(),
        pid=os.getpid(),
        protocol=_PROTOCOL,
    )


def offer(app: App, description: worker_pb2.DescribeResponse) -> dict[str, Work]:
    """Add an app to what Describe answers, and return what runs its functions.

    Raises:
        LoadError: The app has a state of a type that nothing can store.
        DefinitionError: The app reads nothing, writes nothing, or has a stream that is never used.
        TypeError: An annotation is one that no decoder can be made for.
    """
    works = {
        key: Work(function.name, executor(function)) for key, function in app.functions().items()
    }
    description.plan.CopyFrom(app.plan())
    return works


def new_server(
    description: worker_pb2.DescribeResponse, thread: MainThread, *, own_process: bool = False
) -> grpc.Server:
    """Return a server of a worker that does not listen yet.

    Args:
        description: What it says of itself.
        thread: What answers requests.
        own_process: Whether an engine may end the process.
    """
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=_OPTIONS)
    server.add_generic_rpc_handlers(handlers(description, thread, own_process=own_process))
    return server


def _load(options: argparse.Namespace) -> App:
    if options.source is None and options.to is None:
        return loading.load(options.target)
    if options.source is None or options.to is None:
        message = f"to run {options.target}, give both --source and --to"
        raise LoadError(message)
    return loading.load_function(
        options.target,
        source=options.source,
        to=options.to,
        column=options.column,
        key=options.key,
        time=options.time,
    )


def _go_home(target: str) -> None:
    """Go to the directory relative to which the user's functions name files."""
    home = loading.home_of(target)
    if home is not None:
        os.chdir(home)


def _listen(server: grpc.Server, path: str | None) -> str:
    """Let the server listen on a Unix socket that only this user can open; return its path."""
    path = _socket_path() if path is None else os.path.abspath(path)
    if _is_served(path):
        _refuse(f"another worker listens on {path} already; give another --socket")
    before = os.umask(0o177)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as err:
        _refuse(f"cannot listen on the Unix socket {path}: {err}")
    finally:
        os.umask(before)
    server.start()
    return path


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(2)


def _socket_path() -> str:
    directory = os.environ.get("PLUGIN_UNIX_SOCKET_DIR")
    if not directory:
        # go-plugin names a directory: this is the rare case.
        import shutil  # noqa: PLC0415
        import tempfile  # noqa: PLC0415

        directory = tempfile.mkdtemp(prefix="pyudf-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return os.path.join(directory, f"worker-{os.getpid()}.sock")


def _is_served(path: str) -> bool:
    """Tell whether someone listens on a socket, rather than a dead worker having left it."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _take_stdout() -> int:
    """Return a copy of stdout for the handshake and send what else is written there to stderr.

    go-plugin reads stdout line by line, and a long line there would stop it for good.
    """
    sys.stdout.flush()
    handshake = os.dup(1)
    os.dup2(2, 1)
    return handshake


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pyudf.worker", description="Runs user functions for the pyudf engine."
    )
    parser.add_argument("target", help="app, notebook, package, bundle or features.py:function")
    parser.add_argument("--source", help="topic or file that an undecorated function reads")
    parser.add_argument("--to", help="topic or file that its output goes to")
    parser.add_argument("--column", help="field that its result becomes")
    parser.add_argument("--key", help="field that the source is keyed by")
    parser.add_argument("--time", help="field with the event time")
    parser.add_argument("--socket", help="Unix socket to listen on; default: a new one")
    parser.add_argument("--parent-pid", type=int, help="process to end with")
    parser.add_argument(
        "--grace", type=float, default=_GRACE, help="seconds that the last answers may take"
    )
    return parser
