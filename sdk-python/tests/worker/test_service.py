"""The stream of batches: order, refusals, ends."""

from __future__ import annotations

import queue
import threading
from typing import Any

import grpc
import pytest
from worker_harness import columns_request, scalar, values, worker

from pyudf._worker.mainthread import MainThread, Stream
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

INT64 = FieldType.INT64
STOP = worker_pb2.ControlRequest(stop=worker_pb2.Stop())
ABANDON = worker_pb2.ControlRequest(abandon=worker_pb2.Abandon())
WAIT = 20


class Watched(MainThread):
    """Counts what arrived."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.arrived: queue.SimpleQueue[int] = queue.SimpleQueue()

    def submit(self, stream: Stream, request: worker_pb2.RunRequest | None) -> None:
        super().submit(stream, request)
        if request is not None:
            self.arrived.put(request.seq)


def test_answers_come_in_the_order_of_the_requests() -> None:
    def same(x: int) -> int:
        return x

    described = scalar(same, INT64, INT64)
    with worker(described) as engine:
        responses = engine.run(*(columns_request(described, [n], seq=n) for n in range(50)))
    assert [response.seq for response in responses] == list(range(50))
    assert [values(response, INT64) for response in responses] == [[n] for n in range(50)]


def test_the_next_request_arrives_while_one_runs() -> None:
    mains = []

    def watched(*args: Any) -> MainThread:
        mains.append(Watched(*args))
        return mains[0]

    def wait_for(seq: int) -> int:
        found = mains[0].arrived.get(timeout=WAIT)
        assert found == seq
        return found

    described = scalar(wait_for, INT64, INT64)
    with worker(described, new_main=watched) as engine:
        # The first call for a request waits for its own arrival, the second for the next one's.
        responses = engine.run(
            columns_request(described, [1, 2], seq=1), columns_request(described, [], seq=2)
        )
    assert [list(response.errors) for response in responses] == [[], []]


def test_user_code_runs_in_one_thread() -> None:
    threads = set()

    def where(x: int) -> int:
        threads.add(threading.current_thread())
        return x

    described = scalar(where, INT64, INT64)
    with worker(described) as engine:
        engine.run(*(columns_request(described, [n]) for n in range(10)))
        engine.columns([1])
    assert len(threads) == 1


def test_stop_answers_what_is_queued_and_ends_the_stream() -> None:
    gate = threading.Event()
    mains = []

    def watched(*args: Any) -> MainThread:
        mains.append(Watched(*args))
        return mains[0]

    def wait(x: int) -> int:
        assert gate.wait(WAIT)
        return x

    described = scalar(wait, INT64, INT64)
    requests: queue.SimpleQueue[worker_pb2.RunRequest | None] = queue.SimpleQueue()
    with worker(described, new_main=watched) as engine:
        responses = engine.stream(iter(requests.get, None), timeout=30)
        for n in range(3):
            requests.put(columns_request(described, [n], seq=n))
        for n in range(3):
            assert mains[0].arrived.get(timeout=WAIT) == n
        engine.control(STOP, timeout=WAIT)
        gate.set()
        assert [response.seq for response in responses] == [0, 1, 2]
        assert responses.code() is grpc.StatusCode.OK
        requests.put(None)


def test_a_second_stream_is_refused_while_one_is_open() -> None:
    def same(x: int) -> int:
        return x

    described = scalar(same, INT64, INT64)
    requests: queue.SimpleQueue[worker_pb2.RunRequest | None] = queue.SimpleQueue()
    with worker(described) as engine:
        first = engine.stream(iter(requests.get, None), timeout=30)
        requests.put(columns_request(described, [1]))
        assert next(first).rows == 1
        with pytest.raises(grpc.RpcError, match="a worker serves one engine at a time"):
            engine.columns([2])
        requests.put(None)
        assert list(first) == []
        assert values(engine.columns([2]), INT64) == [2]


def test_after_a_stream_was_broken_off_the_next_one_is_served() -> None:
    started, gate = threading.Event(), threading.Event()
    mains = []

    class Closing(MainThread):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.closed = threading.Event()
            mains.append(self)

        def close(self, stream: Stream) -> None:
            super().close(stream)
            self.closed.set()

    calls = []

    def wait(x: int) -> int:
        calls.append(x)
        started.set()
        assert gate.wait(WAIT)
        return x

    described = scalar(wait, INT64, INT64)
    with worker(described, new_main=Closing) as engine:
        requests = (columns_request(described, [n]) for n in range(2))
        broken = engine.stream(requests, timeout=30)
        assert started.wait(WAIT)
        broken.cancel()
        assert mains[0].closed.wait(WAIT)
        # It could be at that call for ever.
        with pytest.raises(grpc.RpcError, match="still at a call that an engine has given up"):
            engine.columns([5])
        gate.set()
        while mains[0].orphaned:
            pass
        assert values(engine.columns([5]), INT64) == [5]
    assert calls == [0, 5]


def test_a_stream_says_that_it_is_open_before_it_has_an_answer() -> None:
    def same(x: int) -> int:
        return x

    described = scalar(same, INT64, INT64)
    requests: queue.SimpleQueue[worker_pb2.RunRequest | None] = queue.SimpleQueue()
    with worker(described) as engine:
        stream = engine.stream(iter(requests.get, None), timeout=30)
        assert stream.initial_metadata() is not None
        requests.put(None)
        assert list(stream) == []


def test_a_worker_that_is_being_stopped_opens_no_stream() -> None:
    gate, started = threading.Event(), threading.Event()

    def wait(x: int) -> int:
        started.set()
        assert gate.wait(WAIT)
        return x

    described = scalar(wait, INT64, INT64)
    requests: queue.SimpleQueue[worker_pb2.RunRequest | None] = queue.SimpleQueue()
    with worker(described) as engine:
        stream = engine.stream(iter(requests.get, None), timeout=30)
        requests.put(columns_request(described, [1]))
        assert started.wait(WAIT)
        engine.control(STOP, timeout=WAIT)
        with pytest.raises(grpc.RpcError, match="it is being stopped"):
            engine.columns([2])
        gate.set()
        assert [response.rows for response in stream] == [1]
        requests.put(None)


def test_a_worker_in_a_users_process_is_not_ended_by_an_engine() -> None:
    def same(x: int) -> int:
        return x

    with worker(scalar(same, INT64, INT64)) as engine:
        with pytest.raises(grpc.RpcError, match="knows no such action"):
            engine.control(ABANDON, timeout=WAIT)
        assert values(engine.columns([5]), INT64) == [5]


def test_requests_that_cannot_be_answered_end_the_stream_with_the_reason() -> None:
    def same(x: int) -> int:
        return x

    described = scalar(same, INT64, INT64)
    unknown = columns_request(described, [1])
    unknown.function = "app.gone"
    short = columns_request(described, [1, 2])
    short.rows = 3
    bare = columns_request(described, [1])
    del bare.columns.columns[:]
    with worker(described) as engine:
        for request, code, reason in (
            (unknown, grpc.StatusCode.NOT_FOUND, "no function 'app.gone'"),
            (short, grpc.StatusCode.INVALID_ARGUMENT, "16 bytes where 3 values take 24"),
            (bare, grpc.StatusCode.INVALID_ARGUMENT, "0 columns arrived for 1 parameters"),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                engine.run(request)
            assert caught.value.code() is code
            assert reason in str(caught.value.details())


def test_a_batch_may_be_larger_than_grpcs_default_limit() -> None:
    def twice(s: str) -> str:
        return s * 2

    with worker(scalar(twice, FieldType.STRING, FieldType.STRING)) as engine:
        response = engine.columns(["x" * 3_000_000] * 2)
    assert [len(text) for text in values(response, FieldType.STRING)] == [6_000_000] * 2


def test_the_health_check_says_serving() -> None:
    def same(x: int) -> int:
        return x

    with worker(scalar(same, INT64, INT64)) as engine:
        check: Any = engine.channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"\x0a\x06plugin", timeout=WAIT) == b"\x08\x01"
