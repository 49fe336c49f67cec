"""What the bare loops with windows have in common: librdkafka in, json, json, librdkafka out."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import Consumer, Producer

WINDOW_MS = 10_000
Reading = dict[str, Any]
Write = Callable[[str, Reading], None]


def readings() -> Iterator[tuple[int, Reading]]:
    """Each reading of the input with its partition, for ever."""
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["BROKERS"],
            "group.id": os.environ["OUT"],
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([os.environ["IN"]])
    while True:
        for message in consumer.consume(10_000, 0.1):
            yield message.partition() or 0, json.loads(message.value() or b"")


def writer() -> Write:
    """What writes a result with its key to the output."""
    producer = Producer({"bootstrap.servers": os.environ["BROKERS"], "linger.ms": 20})
    topic = os.environ["OUT"]
    written = 0

    def write(key: str, result: Reading) -> None:
        nonlocal written
        producer.produce(topic, json.dumps(result), key)
        written += 1
        if written % 1000 == 0:
            producer.poll(0)

    return write
