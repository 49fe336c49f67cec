"""Fills a topic with readings, keyed by station: the same seed and the same bytes in every run."""

import json
import random
import sys

from confluent_kafka import Producer

STATIONS = 1000
START_MS = 1_700_000_000_000


def reading(rng: random.Random, number: int) -> tuple[str, int, str]:
    """One reading's key, time and value; each is 1 ms of event time after the one before it."""
    station = f"st-{rng.randrange(STATIONS):05d}"
    ts = START_MS + number
    value = {
        "station": station,
        "region": f"r-{int(station[3:]) % 50:02d}",
        "ts": ts,
        "temp_f": round(rng.uniform(70, 112), 1),
        "rh": round(rng.uniform(10, 95), 1),
    }
    return station, ts, json.dumps(value)


def main(brokers: str, topic: str, records: int) -> None:
    """Produces the readings and returns when the broker has them all."""
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "linger.ms": 50,
            "batch.num.messages": 10_000,
            "queue.buffering.max.messages": 1_000_000,
            "partitioner": "murmur2_random",
        }
    )
    rng = random.Random(7)
    for number in range(records):
        key, ts, value = reading(rng, number)
        while True:
            try:
                producer.produce(topic, value, key, timestamp=ts)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
