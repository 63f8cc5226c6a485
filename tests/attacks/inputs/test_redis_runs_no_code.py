"""Somebody who can write to Redis wants code run in the worker or the web process: what is read there is data alone."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from uuid import uuid4

import django_rq
import pytest
from django.core.cache import cache
from rq import Queue
from rq.serializers import PickleSerializer

from deployments import queue


class Planted:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(autouse=True)
def _empty() -> None:
    django_rq.get_queue(queue.QUEUE).empty()  # type: ignore[no-untyped-call]  # rq's own has no types


def test_a_pickled_job_runs_nothing_and_the_worker_works_on(tmp_path: Path) -> None:
    pickled = Queue(queue.QUEUE, connection=django_rq.get_connection(queue.QUEUE), serializer=PickleSerializer)
    pickled.enqueue_call("os.getcwd", args=(Planted(tmp_path / "planted"),), job_id=f"planted-{uuid4()}")
    ours = django_rq.get_queue(queue.QUEUE).enqueue_call("time.time", job_id=f"ours-{uuid4()}")
    queue.worker().work(burst=True, logging_level="CRITICAL")
    assert not (tmp_path / "planted").exists()
    assert ours.get_status(refresh=True) == "finished"


def test_a_planted_value_in_the_cache_is_no_object(tmp_path: Path) -> None:
    connection = django_rq.get_connection(queue.QUEUE)
    connection.set(cache.make_key("planted"), pickle.dumps(Planted(tmp_path / "planted")), ex=60)
    assert cache.get("planted") is None
    assert not (tmp_path / "planted").exists()


def test_plain_values_come_back_from_the_cache_and_objects_are_not_taken(tmp_path: Path) -> None:
    for value in (0, 7, -3, 1764264000.25, "text", "7", True, None, {"a": [1]}):
        cache.set("value", value, timeout=60)
        assert cache.get("value") == value
    cache.set("count", 1, timeout=60)
    assert cache.incr("count") == 2
    with pytest.raises(TypeError):
        cache.set("object", Planted(tmp_path), timeout=60)
