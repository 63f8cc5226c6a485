"""Which topics hold requests to this service."""

from __future__ import annotations

import re

import pytest

from deployments.kafka import event_stream
from deployments.kafka_api.handlers import HEALTH, PATTERNS
from deployments.kafka_api.request_topics import DEAD_LETTERS, SUBSCRIPTION


def test_no_topic_that_we_write_to_holds_requests() -> None:
    streams = [value for value in vars(event_stream).values() if isinstance(value, event_stream.Stream)]
    assert len(streams) >= 2
    for topic in (*(stream.topic for stream in streams), DEAD_LETTERS, "deployment-service.deployProject.reply"):
        assert not re.match(SUBSCRIPTION, topic), topic


@pytest.mark.parametrize("topic", [*PATTERNS, HEALTH, "deployment-service.eventsOfMine", "deployment-service.unknown"])
def test_every_other_topic_of_ours_holds_requests(topic: str) -> None:
    assert re.match(SUBSCRIPTION, topic)
