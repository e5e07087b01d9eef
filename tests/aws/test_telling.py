"""A message by SNS: it arrives at who is subscribed, and a topic that is not there is said without the address."""

import json
from datetime import datetime

import pytest

from aws.stand_ins import REGION
from planlake.config import Config
from planlake.config_sections import Notify
from planlake.report.telling.message import Message
from planlake.report.telling.sending import send

MESSAGE = Message("tascomi", "prod", 3, datetime(2026, 11, 29, 3), ("failure",), "1 of 3 tables needs somebody", ("é",))  # noqa: DTZ001 - UTC


@pytest.fixture(scope="module")
def queue(stand_ins):
    import boto3  # noqa: PLC0415

    sns, sqs = (boto3.client(name, region_name=REGION) for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="planlake")["TopicArn"]
    address = sqs.create_queue(QueueName="planlake")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, lambda: sqs.receive_message(QueueUrl=address)["Messages"]


def test_a_message_reaches_who_is_subscribed(queue):
    topic, received = queue
    assert send(Config(notify=Notify(sns=topic)), MESSAGE) == {"sns": ""}
    (told,) = [json.loads(one["Body"]) for one in received()]
    assert (told["Subject"], told["Message"]) == (MESSAGE.subject, MESSAGE.text)


def test_a_topic_that_is_not_there_is_said(queue):
    found = send(Config(notify=Notify(sns=f"{queue[0]}-gone")), MESSAGE)
    assert found == {"sns": "AWS refused it: NotFoundException"}
