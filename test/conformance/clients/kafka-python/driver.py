"""kafka-python, told what to do by test/conformance/driver.ts."""

import os
import sys

sys.path.insert(0, os.environ["DRIVERS"])

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from python_driver import drive, say, to_end, values_of

POLL_MS = 200


def producer_of(task):
    codec = task.get("codec", "none")
    return KafkaProducer(
        bootstrap_servers=task["bootstrap"].split(","),
        acks="all",
        compression_type=None if codec == "none" else codec,
        enable_idempotence=task["idempotent"],
        retries=1_000_000,
        delivery_timeout_ms=200_000,
        linger_ms=0 if codec == "none" else 20,
    )


def consumer_of(task, group):
    return KafkaConsumer(
        bootstrap_servers=task["bootstrap"].split(","),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )


def write(task):
    producer = producer_of(task)
    sent = [producer.send(task["topic"], value, partition=0) for value in values_of(task)]
    for each in sent:
        each.get(200)
    producer.close()


def read(task):
    consumer = consumer_of(task, None)
    partition = TopicPartition(task["topic"], 0)
    consumer.assign([partition])
    if "sinceMs" in task:
        consumer.seek(partition, consumer.offsets_for_times({partition: task["sinceMs"]})[partition].offset)
    else:
        consumer.seek_to_beginning(partition)
    left = task["count"]
    while left > 0:
        for record in consumer.poll(POLL_MS).get(partition, [])[:left]:
            say(value=record.value.decode())
            left -= 1
    consumer.close()


class Told(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        say(owns=sorted(each.partition for each in assigned))


def member(task):
    end = to_end()
    consumer = consumer_of(task, task["group"])
    consumer.subscribe([task["topic"]], listener=Told())
    while not end.is_set():
        polled = consumer.poll(POLL_MS)
        for records in polled.values():
            for record in records:
                say(value=record.value.decode())
        # Not when partitions are revoked: its callbacks run in the loop that a commit waits for.
        if polled:
            consumer.commit()
    consumer.close(autocommit=False)


def stream(task):
    end = to_end()
    producer = producer_of(task)
    acked = 0
    while not end.is_set():
        producer.send(task["topic"], str(acked).encode(), partition=0).get(200)
        acked += 1
        say(acked=acked)
    producer.close()


def admin_of(task):
    return KafkaAdminClient(bootstrap_servers=task["bootstrap"].split(","))


def make(task):
    admin = admin_of(task)
    topic = task["topic"]
    options = {"num_partitions": 2, "replication_factor": 3, "configs": {"retention.ms": "3600000"}}
    admin.create_topics({topic: options})
    admin.create_partitions({topic: 4})
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "7200000"})])
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    [metadata] = admin.describe_topics([topic])
    seen = {
        "isListed": topic in admin.list_topics(),
        "partitions": len(metadata["partitions"]),
        "retentionMs": value_in(described, topic, "retention.ms"),
    }
    say(seen=seen)
    admin.close()


def value_in(described, topic, name):
    return described["topic"][topic][name]["value"]


def drop(task):
    admin = admin_of(task)
    admin.delete_topics([task["topic"]])
    admin.close()


drive({"write": write, "read": read, "member": member, "stream": stream, "make": make, "drop": drop})
