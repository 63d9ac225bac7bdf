"""kafka-python, told what to do by test/conformance/driver.ts."""

import os
import sys

sys.path.insert(0, os.environ["DRIVERS"])

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from python_driver import drive, refusal, say, text_of, to_end, values_of

POLL_MS = 200
ASSIGNORS = {"cooperative-sticky": CooperativeStickyAssignor}


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
    more = {}
    if "instance" in task:
        more["group_instance_id"] = task["instance"]
    if "assignor" in task:
        more["partition_assignment_strategy"] = [ASSIGNORS[task["assignor"]]]
    return KafkaConsumer(
        bootstrap_servers=task["bootstrap"].split(","),
        group_id=group,
        auto_offset_reset=task.get("reset", "earliest"),
        enable_auto_commit=task.get("commits") == "automatic",
        **more,
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
            say(key=text_of(record.key), value=text_of(record.value))
            left -= 1
    consumer.close()


class Told(ConsumerRebalanceListener):
    def __init__(self):
        self.owned = set()

    def on_partitions_revoked(self, revoked):
        self.owned.difference_update(each.partition for each in revoked)
        say(owns=sorted(self.owned))

    def on_partitions_assigned(self, assigned):
        self.owned.update(each.partition for each in assigned)
        say(owns=sorted(self.owned))


def member(task):
    end = to_end()
    consumer = consumer_of(task, task["group"])
    commits_itself = task.get("commits") == "automatic"
    consumer.subscribe([task["topic"]], listener=Told())
    while not end.is_set():
        polled = consumer.poll(POLL_MS)
        for records in polled.values():
            for record in records:
                say(value=record.value.decode())
        # Not when partitions are revoked: its callbacks run in the loop that a commit waits for.
        if polled and not commits_itself:
            consumer.commit()
    consumer.close(autocommit=commits_itself)


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


def create(task):
    admin = admin_of(task)
    admin.create_topics({task["topic"]: {"num_partitions": 1, "replication_factor": 3, "configs": task["config"]}})
    admin.close()


def put(task):
    producer = producer_of({**task, "idempotent": False})
    for key, value in task["pairs"]:
        bytes_or_none = None if value is None else value.encode()
        producer.send(task["topic"], bytes_or_none, key.encode(), partition=0).get(200)
    producer.close()


def transact(task):
    producer = KafkaProducer(bootstrap_servers=task["bootstrap"].split(","), transactional_id=task["topic"])

    def attempt():
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(task["topic"], b"in a transaction", partition=0)
        producer.commit_transaction()

    refusal(attempt)


def drop(task):
    admin = admin_of(task)
    admin.delete_topics([task["topic"]])
    admin.close()


drive(
    {
        "write": write,
        "read": read,
        "create": create,
        "put": put,
        "member": member,
        "stream": stream,
        "make": make,
        "drop": drop,
        "transact": transact,
    }
)
