"""Any message of an agent, up to ten times each bound: cut to what it may be, never left out."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import limits
from agents.contracts import runner_pb2 as pb
from agents.reports.report_bounds import bound_report, cut
from agents.transport.wire import codec, hellos

AGENT = uuid4()
DIGEST = "sha256:" + "a" * 64
# Of the processor, by a tracing interpreter.
MAX_SECONDS = 2.0
# A message that is far above what the gateway takes, and what is made of it.
MAX_PEAK_BYTES = 64 * limits.MIB


def texts(limit: int) -> st.SearchStrategy[str]:
    """Up to ten times as long, of signs of one to four bytes, NUL among them."""
    lengths = st.sampled_from([0, 1, limit - 1, limit, limit + 1, 10 * limit])
    return st.builds(lambda sign, length: sign * length, st.sampled_from("aäあ😀\0\n"), lengths)


names, words, messages = texts(limits.MAX_NAME_BYTES), texts(limits.MAX_WORD_BYTES), texts(limits.MAX_MESSAGE_BYTES)
numbers = st.sampled_from([-(2**31), -1, 0, 1, 99, 100, 2**31 - 1])
tails = st.builds(lambda line, count: [line] * count, texts(limits.MAX_LINE_BYTES), st.sampled_from([0, 1, 30, 31, 60]))
services = st.builds(
    pb.ServiceObserved,
    node_id=names,
    service_name=names,
    state=words,
    health=words,
    image=texts(limits.MAX_ERROR_BYTES),
    image_digest=st.sampled_from(["", DIGEST, DIGEST * 10, "latest", "sha256:zz"]),
    container_ids=st.sampled_from([[], ["ab12"], ["f" * 64] * 1000, ["../x", "y" * 9000]]),
    replicas=numbers,
    healthy_replicas=numbers,
    error_message=messages,
)
many_services = st.builds(lambda one, count: [one] * count, services, st.sampled_from([0, 1, 3, 60]))
stages = st.builds(pb.StageReached, stage=st.integers(1, 5), percent=numbers, message=messages)
logs = st.builds(pb.LogWritten, service_name=names, source=words, text=texts(limits.MAX_LOG_BYTES))
restores = st.builds(pb.RestoreStarted, reason=words, message=messages, failed_service=names, log_tail=tails)
endings = st.builds(
    pb.CommandFinished,
    outcome=st.integers(1, 3),
    reason=words,
    message=messages,
    failed_service=names,
    log_tail=tails,
    services=many_services,
)
reports = st.one_of(
    st.builds(pb.Report, stage=stages),
    st.builds(pb.Report, service=services),
    st.builds(pb.Report, log=logs),
    st.builds(pb.Report, restore_started=restores),
    st.builds(pb.Report, finished=endings),
)


def numbered(report: pb.Report, *, number: int = 1) -> pb.Report:
    told = pb.Report()
    told.CopyFrom(report)
    told.command_id, told.deployment_id, told.number = str(uuid4()), str(uuid4()), number
    return told


# What fails is shown as it came: texts of megabytes take minutes to be made smaller.
@settings(
    max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(reports)
def test_any_report_is_cut_to_its_bounds_and_read(report: pb.Report) -> None:
    report = numbered(report)
    tracemalloc.start()
    began = time.thread_time()
    read = codec.report_from_wire(report, agent_id=AGENT)
    seconds, (_, peak) = time.thread_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.ByteSize() <= limits.MAX_REPORT_BYTES
    assert (seconds < MAX_SECONDS, peak < MAX_PEAK_BYTES) == (True, True)
    assert "\0" not in repr(read)
    once = report.SerializeToString(deterministic=True)
    bound_report(report)
    assert report.SerializeToString(deterministic=True) == once


LONG = "ä\0" * 100_000


def assert_cut(told: Any, /, **most: int) -> None:
    """Whether each of these texts is no longer than so many bytes and still says something, without NUL."""
    for name, limit in most.items():
        text = getattr(told, name)
        assert limit - 8 < len(text.encode()) <= limit, name
        assert "\0" not in text, name


def assert_words(told: Any, *names: str) -> None:
    for name in names:
        assert getattr(told, name) == "ä\ufffd" * (limits.MAX_WORD_BYTES // 2), name


def bounded(**body: Any) -> pb.Report:
    report = pb.Report(number=1, command_id=LONG, deployment_id=LONG, **body)
    bound_report(report)
    assert_words(report, "command_id", "deployment_id")
    return report


def a_large_service() -> pb.ServiceObserved:
    return pb.ServiceObserved(
        node_id=LONG, service_name=LONG, state=LONG, health=LONG, image=LONG, image_digest=f"{DIGEST}0",
        container_ids=["../x", *(f"{number:064x}" for number in range(200))], replicas=-1,
        healthy_replicas=2**31 - 1, error_message=LONG, image_volumes=[LONG] * 50,
    )  # fmt: skip


def test_each_text_of_a_stage_a_service_and_a_log_has_a_bound_of_its_own() -> None:
    low = bounded(stage=pb.StageReached(percent=-5, message=LONG)).stage
    assert_cut(low, message=limits.MAX_MESSAGE_BYTES)
    assert (low.percent, bounded(stage=pb.StageReached(percent=101)).stage.percent) == (0, 100)
    service = bounded(service=a_large_service()).service
    names = dict.fromkeys(("node_id", "service_name"), limits.MAX_NAME_BYTES)
    assert_cut(service, **names, image=limits.MAX_ERROR_BYTES, error_message=limits.MAX_MESSAGE_BYTES)
    assert_words(service, "state", "health")
    assert service.image_digest == ""
    assert list(service.container_ids) == [f"{number:064x}" for number in range(limits.MAX_CONTAINERS)]
    assert (service.replicas, service.healthy_replicas) == (0, 1_000_000)
    reversed_numbers = bounded(service=pb.ServiceObserved(replicas=2**31 - 1, healthy_replicas=-1)).service
    assert (reversed_numbers.replicas, reversed_numbers.healthy_replicas) == (1_000_000, 0)
    assert [len(each.encode()) <= limits.MAX_ERROR_BYTES for each in service.image_volumes] == [True] * 20
    log = bounded(log=pb.LogWritten(service_name=LONG, source=LONG, text=LONG)).log
    assert_cut(log, service_name=limits.MAX_NAME_BYTES, text=limits.MAX_LOG_BYTES)
    assert_words(log, "source")


@pytest.mark.parametrize("kind", ["restore_started", "finished"])
def test_each_text_of_a_failure_has_a_bound_of_its_own(kind: str) -> None:
    body: Any = pb.RestoreStarted if kind == "restore_started" else pb.CommandFinished
    failed = getattr(
        bounded(**{kind: body(reason=LONG, message=LONG, failed_service=LONG, log_tail=[LONG] * 40)}), kind
    )
    assert_cut(failed, message=limits.MAX_MESSAGE_BYTES, failed_service=limits.MAX_NAME_BYTES)
    assert_words(failed, "reason")
    assert [len(line.encode()) <= limits.MAX_LINE_BYTES for line in failed.log_tail] == [True] * limits.MAX_TAIL_LINES
    # The last lines say most.
    last = getattr(bounded(**{kind: body(log_tail=[str(number) for number in range(40)])}), kind)
    assert list(last.log_tail) == [str(number) for number in range(10, 40)]


def test_what_an_end_says_of_services_and_volumes_is_bounded_too() -> None:
    finished = bounded(finished=pb.CommandFinished(services=[a_large_service()], volumes_left=[LONG] * 50)).finished
    assert_cut(finished.services[0], service_name=limits.MAX_NAME_BYTES)
    assert_words(finished.services[0], "state", "health")
    assert [len(each.encode()) <= limits.MAX_ERROR_BYTES for each in finished.volumes_left] == [True] * 20


def test_what_is_not_known_is_not_kept() -> None:
    known = numbered(pb.Report(stage=pb.StageReached(percent=5)))
    newer = pb.Report.FromString(known.SerializeToString() + b"\x9a\x06\x02\x08\x01")
    bound_report(newer)
    assert newer.SerializeToString(deterministic=True) == known.SerializeToString(deterministic=True)


def test_a_short_report_stays_as_it_is() -> None:
    observed = pb.ServiceObserved(
        node_id="n1", service_name="web", state="running", health="healthy", image="web:1", image_digest=DIGEST,
        container_ids=["ab12", "cd34"], replicas=2, healthy_replicas=2, error_message="none",
    )  # fmt: skip
    report = numbered(pb.Report(finished=pb.CommandFinished(outcome=pb.SUCCEEDED, services=[observed], log_tail=["x"])))
    before = report.SerializeToString(deterministic=True)
    bound_report(report)
    assert report.SerializeToString(deterministic=True) == before


def test_the_largest_stack_still_fits_into_one_report_with_all_that_proves_it() -> None:
    service = pb.ServiceObserved(
        node_id="n" * 200, service_name="s" * 63, state="running", health="healthy", image="i" * 300,
        image_digest=DIGEST, container_ids=["f" * 64] * 100, error_message="e" * 4000,
    )  # fmt: skip
    ended = pb.CommandFinished(services=[service] * (limits.MAX_SERVICES + 5), log_tail=["t" * 9000] * 40)
    report = numbered(pb.Report(finished=ended))
    bound_report(report)
    assert pb.FromAgent(report=report).ByteSize() < limits.MAX_RECEIVED_BYTES - 4 * limits.KIB
    assert len(report.finished.services) == limits.MAX_SERVICES
    assert {(each.service_name, each.image_digest) for each in report.finished.services} == {("s" * 63, DIGEST)}
    assert len(report.finished.log_tail) == limits.MAX_TAIL_LINES


@pytest.mark.parametrize("sign", ["a", "ä", "あ", "😀"])
def test_what_is_cut_says_so_and_stays_text(sign: str) -> None:
    text = cut(sign * 200, 100)
    assert len(text.encode()) <= 100
    assert text.endswith(limits.CUT)
    assert set(text.removesuffix(limits.CUT)) == {sign}
    assert cut(sign * 25, 100) == sign * 25


def test_what_an_agent_says_of_itself_is_bounded() -> None:
    said: dict[str, Any] = {"os": "o" * 5_000_000, "docker_version": "d" * 5000, "cpu_cores": 4.0}
    info = codec.info_from_wire(pb.AgentInfo(version="v" * 5000, os="x\0" * 5000, server_info=pb.ServerInfo(**said)))
    assert max(len(each) for each in (info.version, info.os, *map(str, info.server_info.values()))) <= 200
    inventory = pb.Inventory(missing_image_ids=[DIGEST] * 20_000)
    assert len(codec.missing_from_wire(inventory)) == limits.MAX_IMAGES
    hello = pb.Hello(version="v\0" * 5000, stacks=[pb.StackState(stack_name="s\0" * 5000)])
    told = hellos.hello_from_wire(hello)
    assert max(len(each.encode()) for each in (told.version, told.stacks[0].stack_name)) <= 200
    assert "\0" not in told.version + told.stacks[0].stack_name
