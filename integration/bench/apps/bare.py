"""One Python process with no framework: librdkafka in, json, the function, json, librdkafka out."""

import json
import os

from confluent_kafka import Consumer, Producer

from heat import heat_index

brokers, topic_in, topic_out = os.environ["BROKERS"], os.environ["IN"], os.environ["OUT"]
consumer = Consumer(
    {"bootstrap.servers": brokers, "group.id": topic_out, "auto.offset.reset": "earliest"}
)
producer = Producer(
    {"bootstrap.servers": brokers, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000}
)
consumer.subscribe([topic_in])
while True:
    for message in consumer.consume(10_000, 0.1):
        reading = json.loads(message.value() or b"")
        reading["heat_index"] = heat_index(reading["temp_f"], reading["rh"])
        while True:
            try:
                producer.produce(topic_out, json.dumps(reading), message.key())
                break
            except BufferError:
                producer.poll(0.1)
    producer.poll(0)
