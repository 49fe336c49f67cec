"""A worker as the engine starts it: a process, a handshake, an end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import grpc
import pytest
from worker_harness import Engine, to_column

from pyudf import bundling
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

WAIT = 20
STOP = worker_pb2.ControlRequest(stop=worker_pb2.Stop())
APP = """
import logging, os, sys, threading, warnings
import pyudf as pu

print("loading")
logging.error("no station %s", "JFK")
warnings.warn("old data")
os.write(1, b"raw\\n")
app = pu.App("heat")
weather = app.topic("weather")

@app.udf(weather, to="heat", column="heavy")
def heavy(x: int) -> str:
    return ",".join(name for name in ("numpy", "pandas", "pyarrow") if name in sys.modules)

@app.udf(weather, to="loud", column="loud")
def loud(x: int) -> int:
    print("y" * 1_000_000, end="")
    os.write(1, b"raw again\\n")
    return x

@app.udf(weather, to="stuck", column="stuck")
def stuck(x: int) -> int:
    print("stuck now")
    threading.Event().wait()
    return x
"""


class Worker:
    """A worker process and a channel to it."""

    def __init__(self, process: subprocess.Popen[bytes], handshake: str) -> None:
        self.process = process
        self.handshake = handshake
        self.socket = handshake.split("|")[3]
        self.channel = grpc.insecure_channel(f"unix:{self.socket}")
        self.engine = Engine(self.channel, [], "")

    def describe(self) -> worker_pb2.DescribeResponse:
        found: worker_pb2.DescribeResponse = self.engine.describe(
            worker_pb2.DescribeRequest(), timeout=WAIT
        )
        return found

    def request(self, name: str) -> worker_pb2.RunRequest:
        (key,) = [one.id for one in self.describe().plan.functions if one.name == name]
        columns = worker_pb2.Columns(columns=[to_column(FieldType.INT64, [1])])
        return worker_pb2.RunRequest(function=key, rows=1, columns=columns)

    def errors(self) -> IO[bytes]:
        assert self.process.stderr is not None
        return self.process.stderr

    def stop(self) -> int:
        self.engine.control(STOP, timeout=WAIT)
        return self.process.wait(WAIT)


@contextlib.contextmanager
def started(
    directory: Path,
    *arguments: str,
    child: bool = True,
    extra: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> Iterator[Worker]:
    """Start a worker in a directory.

    Args:
        directory: Where the worker runs.
        arguments: Its arguments.
        child: Whether it is started as the engine does.
        extra: More of its environment.
        options: More for Popen.
    """
    command = [sys.executable, "-m", "pyudf.worker", *arguments]
    options.setdefault("stderr", subprocess.PIPE)
    with contextlib.ExitStack() as stack:
        env = dict(os.environ)
        if child:
            sockets = stack.enter_context(tempfile.TemporaryDirectory())
            env |= {"PYUDF_PLUGIN": "worker", "PLUGIN_UNIX_SOCKET_DIR": sockets}
        process: subprocess.Popen[bytes] = stack.enter_context(
            subprocess.Popen(
                command, cwd=directory, env={**env, **extra}, stdout=subprocess.PIPE, **options
            )
        )
        try:
            assert process.stdout is not None
            made = Worker(process, process.stdout.readline().decode())
            with made.channel:
                yield made
            assert process.stdout.read() == b""
        finally:
            process.kill()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def test_the_handshake_is_the_only_thing_on_stdout(app: Path) -> None:
    with open(app / "log", "wb") as log, started(app, "app.py", stderr=log) as worker:
        assert worker.handshake == f"1|1|unix|{worker.socket}|grpc\n"
        assert os.stat(worker.socket).st_mode & 0o077 == 0
        (response,) = worker.engine.run(worker.request("loud"))
        assert not response.errors
        assert worker.stop() == 0
    lines = (app / "log").read_bytes().splitlines()
    raw = [line for line in lines if not line.startswith(b"{")]
    assert raw == [b"raw", b"raw again"]
    entries = [json.loads(line) for line in lines if line.startswith(b"{")]
    load = [entry for entry in entries if entry["function"] == "load"]
    assert load[0]["@message"] == "loading"
    assert [entry["@level"] for entry in load] == ["info", "warn", "warn", "warn"]
    assert load[1]["@message"] == "ERROR:root:no station JFK"
    assert load[2]["@message"].endswith("UserWarning: old data")
    loud = [entry["@message"] for entry in entries if entry["function"] == "loud"]
    assert "".join(loud) == "y" * 1_000_000


def test_describe_tells_the_plan_and_the_versions(app: Path) -> None:
    with started(app, "app.py") as worker:
        found = worker.describe()
        assert worker.stop() == 0
    assert found.plan.app == "heat"
    assert {one.name for one in found.plan.functions} == {"heavy", "loud", "stuck"}
    assert not found.HasField("error")
    assert found.pid == worker.process.pid
    assert found.python_version == ".".join(map(str, sys.version_info[:3]))
    assert found.sdk_version
    assert found.protocol == 1
    assert len(found.content_hash) == 64


def test_a_bundle_is_told_by_the_hash_that_the_command_shows(app: Path) -> None:
    bundle = bundling.build(str(app / "app.py")).content
    bundling.write_bundle(bundle, str(app / "heat.pyudf"))
    with started(app, "heat.pyudf", extra={"PYUDF_CACHE_DIR": str(app / "cache")}) as worker:
        found = worker.describe()
        assert worker.stop() == 0
    assert found.content_hash == bundle.manifest.content_hash


@pytest.mark.parametrize("orphan", [False, True])
def test_a_call_that_is_given_up_takes_its_process_with_it(app: Path, orphan: bool) -> None:
    abandon = worker_pb2.ControlRequest(abandon=worker_pb2.Abandon(orphan=orphan))
    with started(app, "app.py") as worker:
        worker.engine.control(abandon, timeout=WAIT)  # it is at none
        running = worker.engine.stream(iter([worker.request("stuck")]), timeout=WAIT)
        assert any(b"stuck now" in line for line in iter(worker.errors().readline, b""))
        if orphan:
            worker.engine.control(abandon, timeout=WAIT)  # somebody waits for it
            running.cancel()
        while worker.process.poll() is None:
            with contextlib.suppress(grpc.RpcError):
                worker.engine.control(abandon, timeout=WAIT)
        assert worker.process.wait(WAIT) == 1


def test_a_function_over_scalars_loads_no_heavy_library(app: Path) -> None:
    with started(app, "app.py") as worker:
        (response,) = worker.engine.run(worker.request("heavy"))
        assert worker.stop() == 0
    assert response.column.values == b""


def test_an_undecorated_function_is_served(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("def twice(x: int) -> int:\n    return 2 * x\n")
    with started(
        tmp_path, "features.py:twice", "--source", "in", "--to", "out", "--column", "y"
    ) as worker:
        (response,) = worker.engine.run(worker.request("twice"))
        assert worker.stop() == 0
    assert response.column.values == (2).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("source", "message", "traceback"),
    [
        ("def broken(:\n", "app.py:1", "SyntaxError"),
        ("import no_such_module\n", "no_such_module", "import no_such_module"),
        ("1 / 0\n", "ZeroDivisionError", "1 / 0"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt", "raise KeyboardInterrupt"),
        ("x = 1\n", "defines no app", ""),
    ],
)
def test_code_that_cannot_be_loaded_is_an_answer(
    tmp_path: Path, source: str, message: str, traceback: str
) -> None:
    (tmp_path / "app.py").write_text(source)
    with started(tmp_path, "app.py") as worker:
        found = worker.describe()
        assert worker.stop() == 0
    assert not found.HasField("plan")
    assert message in found.error.message
    assert traceback in found.error.traceback
    assert "pyudf/_worker" not in found.error.traceback


def test_half_of_a_source_and_target_is_an_answer(app: Path) -> None:
    with started(app, "app.py:loud", "--source", "in") as worker:
        assert "give both --source and --to" in worker.describe().error.message


def test_without_an_engine_it_says_how_to_start_it() -> None:
    command = [sys.executable, "-m", "pyudf.worker", "app.py"]
    env = {key: value for key, value in os.environ.items() if key != "PYUDF_PLUGIN"}
    found = subprocess.run(command, capture_output=True, timeout=WAIT, env=env, check=False)
    assert found.returncode == 2
    assert found.stdout == b""
    assert found.stderr.count(b"\n") == 1
    assert b"--socket PATH" in found.stderr


def test_by_hand_it_listens_where_it_is_told(app: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(app / "w.sock"))
    with started(app, "app.py", "--socket", "w.sock", child=False) as worker:
        assert worker.socket == str(app / "w.sock")
        assert worker.describe().plan.app == "heat"
        command = [sys.executable, "-m", "pyudf.worker", "app.py", "--socket", "w.sock"]
        second = subprocess.run(command, cwd=app, capture_output=True, timeout=WAIT, check=False)
        assert second.returncode == 2
        assert b"another worker listens on" in second.stderr
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(WAIT) == -signal.SIGINT


def test_a_child_ignores_ctrl_c_and_ends_on_sigterm(app: Path) -> None:
    with started(app, "app.py") as worker:
        worker.process.send_signal(signal.SIGINT)
        (response,) = worker.engine.run(worker.request("heavy"))
        assert not response.errors
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(WAIT) == -signal.SIGTERM


def test_a_directory_made_for_the_socket_is_removed(app: Path) -> None:
    with started(app, "app.py", extra={"PLUGIN_UNIX_SOCKET_DIR": ""}) as worker:
        directory = os.path.dirname(worker.socket)
        assert os.stat(directory).st_mode & 0o777 == 0o700
        assert worker.stop() == 0
    assert not os.path.exists(directory)


@pytest.mark.parametrize("busy", [False, True])
def test_shutdown_ends_the_process_even_if_a_function_never_returns(app: Path, busy: bool) -> None:
    with started(app, "app.py") as worker:
        if busy:
            running = worker.engine.stream(iter([worker.request("stuck")]), timeout=WAIT)
            assert any(b"stuck now" in line for line in iter(worker.errors().readline, b""))
        shutdown: Any = worker.channel.unary_unary("/plugin.GRPCController/Shutdown")
        assert shutdown(b"", timeout=WAIT) == b""
        assert worker.process.wait(WAIT) == 0
        if busy:
            with pytest.raises(grpc.RpcError):
                next(running)


def test_it_ends_with_its_parent(app: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        with started(app, "app.py", "--parent-pid", str(parent.pid)) as worker:
            assert worker.describe().plan.app == "heat"
            parent.kill()
            parent.wait(WAIT)
            assert worker.process.wait(WAIT) == 0
