"""confluent-kafka-python (librdkafka), told what to do by test/conformance/driver.ts."""

import os
import sys

sys.path.insert(0, os.environ["DRIVERS"])

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)
from python_driver import drive, refusal, say, text_of, to_end, values_of

POLL_S = 0.2
TRANSACTION_S = 10


def producer_of(task):
    return Producer(
        {
            "bootstrap.servers": task["bootstrap"],
            "acks": "all",
            "compression.type": task.get("codec", "none"),
            "enable.idempotence": task["idempotent"],
            "message.timeout.ms": 200_000,
        }
    )


def consumer_of(task, group):
    config = {
        "bootstrap.servers": task["bootstrap"],
        "group.id": group,
        "auto.offset.reset": "error" if task.get("reset") == "none" else "earliest",
        "enable.auto.commit": task.get("commits") == "automatic",
    }
    if "instance" in task:
        config["group.instance.id"] = task["instance"]
    if "assignor" in task:
        config["partition.assignment.strategy"] = task["assignor"]
    return Consumer(config)


def must_work(error, _message):
    if error is not None:
        raise RuntimeError(str(error))


def write(task):
    producer = producer_of(task)
    for value in values_of(task):
        producer.produce(task["topic"], value, partition=0, on_delivery=must_work)
    if producer.flush() != 0:
        raise RuntimeError("not all was delivered")


def read(task):
    consumer = consumer_of(task, f"{task['topic']}.read")
    at = TopicPartition(task["topic"], 0, 0)
    if "sinceMs" in task:
        [at] = consumer.offsets_for_times([TopicPartition(task["topic"], 0, task["sinceMs"])], 30)
    consumer.assign([at])
    left = task["count"]
    while left > 0:
        message = consumer.poll(POLL_S)
        if message is not None:
            must_work(message.error(), message)
            say(key=text_of(message.key()), value=text_of(message.value()))
            left -= 1
    consumer.close()


def member(task):
    end = to_end()
    consumer = consumer_of(task, task["group"])
    read_up_to = {}
    owned = set()

    def commit():
        offsets = [TopicPartition(task["topic"], partition, offset) for partition, offset in read_up_to.items()]
        if offsets and task.get("commits") != "automatic":
            consumer.commit(offsets=offsets, asynchronous=False)
        read_up_to.clear()

    def assigned(_consumer, partitions):
        owned.update(each.partition for each in partitions)
        say(owns=sorted(owned))

    def revoked(_consumer, partitions):
        commit()
        owned.difference_update(each.partition for each in partitions)
        say(owns=sorted(owned))

    consumer.subscribe([task["topic"]], on_assign=assigned, on_revoke=revoked)
    while not end.is_set():
        message = consumer.poll(POLL_S)
        if message is not None:
            must_work(message.error(), message)
            say(value=message.value().decode())
            read_up_to[message.partition()] = message.offset() + 1
    commit()
    consumer.close()


def stream(task):
    end = to_end()
    producer = producer_of(task)
    acked = 0
    while not end.is_set():
        producer.produce(task["topic"], str(acked).encode(), partition=0, on_delivery=must_work)
        if producer.flush() != 0:
            raise RuntimeError("not delivered")
        acked += 1
        say(acked=acked)


def done(futures):
    return [future.result(60) for future in futures.values()]


def make(task):
    admin = AdminClient({"bootstrap.servers": task["bootstrap"]})
    topic = task["topic"]
    done(admin.create_topics([NewTopic(topic, 2, 3, config={"retention.ms": "3600000"})]))
    done(admin.create_partitions([NewPartitions(topic, 4)]))
    entry = ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)
    done(admin.incremental_alter_configs([ConfigResource("topic", topic, incremental_configs=[entry])]))
    listed = admin.list_topics(timeout=30).topics
    [configs] = done(admin.describe_configs([ConfigResource("topic", topic)]))
    seen = {
        "isListed": topic in listed,
        "partitions": len(listed[topic].partitions),
        "retentionMs": configs["retention.ms"].value,
    }
    say(seen=seen)


def create(task):
    admin = AdminClient({"bootstrap.servers": task["bootstrap"]})
    done(admin.create_topics([NewTopic(task["topic"], 1, 3, config=task["config"])]))


def put(task):
    producer = producer_of({**task, "idempotent": False})
    for key, value in task["pairs"]:
        producer.produce(task["topic"], value, key, partition=0, on_delivery=must_work)
        if producer.flush() != 0:
            raise RuntimeError("not delivered")


def transact(task):
    producer = Producer({"bootstrap.servers": task["bootstrap"], "transactional.id": task["topic"]})

    def attempt():
        producer.init_transactions(TRANSACTION_S)
        producer.begin_transaction()
        producer.produce(task["topic"], b"in a transaction", partition=0)
        producer.commit_transaction(TRANSACTION_S)

    refusal(attempt)


def drop(task):
    admin = AdminClient({"bootstrap.servers": task["bootstrap"]})
    done(admin.delete_topics([task["topic"]]))


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
