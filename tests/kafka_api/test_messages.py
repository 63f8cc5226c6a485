"""Reading requests: what NestJS sends, and everything else that may lie on a topic."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from deployments.errors import Invalid
from deployments.kafka_api import fields
from deployments.kafka_api.incoming import IncomingRecord, ReplyAddress, UnanswerableError, body_of, reply_address
from deployments.kafka_api.metadata import metadata_of
from deployments.kafka_api.replies import CRASHED, crashed, failure, not_signed_in, reply_to, success
from deployments.types import TargetKind


def incoming(value: bytes | None = b"{}", **headers: bytes) -> IncomingRecord:
    return IncomingRecord(
        topic="deployment-service.getDeployment",
        partition=2,
        offset=7,
        timestamp_ms=0,
        key=None,
        value=value,
        headers=headers,
    )


ADDRESS = {"kafka_correlationId": b"c-1", "kafka_replyTopic": b"x.reply", "kafka_replyPartition": b"2"}


def test_a_request_says_where_it_wants_its_reply() -> None:
    assert reply_address(incoming(**ADDRESS)) == ReplyAddress(topic="x.reply", partition=2, correlation_id=b"c-1")


@pytest.mark.parametrize("missing", ["kafka_correlationId", "kafka_replyTopic"])
def test_without_id_or_topic_it_is_an_event(missing: str) -> None:
    assert reply_address(incoming(**{name: value for name, value in ADDRESS.items() if name != missing})) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka_replyTopic": b"deployment-service.events"},
        {"kafka_replyTopic": b"a b.reply"},
        {"kafka_replyTopic": b"\xff.reply"},
        {"kafka_replyPartition": b"-1"},
        {"kafka_replyPartition": b"1e3"},
        {"kafka_replyPartition": b""},
    ],
)
def test_an_address_that_is_none_cannot_be_answered(wrong: dict[str, bytes]) -> None:
    with pytest.raises(UnanswerableError):
        reply_address(incoming(**{**ADDRESS, **wrong}))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"hello",
        b'"text"',
        b"[1]",
        b"12",
        b"{",
        b'{"a": 1e999999}x',
        b"\x00\x01",
        b"\xff{}",
        b'{"\\u0000": 1}',
        b'{"\\ud800": 1}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(value: bytes | None) -> None:
    with pytest.raises(Invalid) as refused:
        body_of(incoming(value))
    assert refused.value.details.keys() == {"body"}


@pytest.mark.parametrize(
    ("value", "field", "why"),
    [
        (b'{"a": NaN}', "a", "holds a number that is not finite"),
        (b'{"a": {"b": [0, -1e999]}}', "a.b.1", "holds a number that is not finite"),
        (b'{"a": "\\ud800"}', "a", "holds half of a surrogate pair"),
        (b'{"envVars": {"KEY": "secret\\u0000"}}', "envVars.KEY", "holds a NUL byte"),
        (b'{"a": {"\\u0000": 1}}', "a", "holds a NUL byte"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "a" + ".0" * 63, "is nested too deeply"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_fields_name(value: bytes, field: str, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        body_of(incoming(value))
    assert (refused.value.details, refused.value.message) == ({field: why}, "The request cannot be read.")


@pytest.mark.parametrize("value", [b"[1]", b'"text"', b"12", b"null", b"", b"[" * 100_000])
def test_what_begins_as_no_object_is_not_read_at_all(value: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        body_of(incoming(value))
    assert refused.value.details == {"body": "must be a JSON object"}


def test_what_is_as_deep_as_may_be_is_read() -> None:
    assert body_of(incoming(b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}"))


def test_a_whole_character_from_two_halves_is_read() -> None:
    assert body_of(incoming(b'{"a": "\\ud83d\\ude00"}')) == {"a": "\U0001f600"}


@pytest.mark.parametrize("names", [("userId", "requestId", "sessionToken"), ("user_id", "request_id", "session_token")])
def test_metadata_is_read_in_both_spellings(names: tuple[str, str, str]) -> None:
    user = uuid4()
    said = metadata_of({"metadata": dict(zip(names, (str(user), "r-1", "t-1"), strict=True))}, incoming(**ADDRESS))
    assert (said.user_id, said.request_id, said.session_token) == (user, "r-1", "t-1")


def test_a_bearer_token_is_a_session_token_too() -> None:
    assert metadata_of({"metadata": {"authorization": "Bearer t-1"}}, incoming()).session_token == "t-1"


def test_a_request_is_known_by_its_correlation_id_or_its_record() -> None:
    assert metadata_of({}, incoming(**ADDRESS)).request_id == "c-1"
    assert metadata_of({}, incoming()).request_id == "deployment-service.getDeployment:2:7"
    assert len(metadata_of({}, incoming(kafka_correlationId=b"\x00\xff")).request_id) == 64


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        {"userId": 5},
        {"userId": "nobody"},
        {"requestId": "a" * 181},
        {"requestId": "a\x00"},
        {"sessionToken": {}},
        {"sessionToken": "\x00"},
        {"authorization": "é"},
    ],
)
def test_metadata_of_another_type_is_refused(metadata: object) -> None:
    with pytest.raises(Invalid):
        metadata_of({"metadata": metadata}, incoming())


def test_proto3_defaults_count_as_left_out() -> None:
    cluster = uuid4()
    found = fields.target({"serverId": "", "clusterId": str(cluster)})
    assert (found.kind, found.id) == (TargetKind.CLUSTER, cluster)
    assert fields.number({"limit": 0}, "limit", default=10) == 10
    assert fields.status_filter({"statusFilter": 0}) is None


@pytest.mark.parametrize("value", [True, 1.5, "3", 2**40, -(2**40), [], {}])
def test_numbers_are_whole_and_in_range(value: object) -> None:
    with pytest.raises(Invalid):
        fields.number({"page": value}, "page", default=1)


def test_success_carries_the_payload_flat_and_under_result() -> None:
    assert success({"deployment": {"id": "x"}}).body == {
        "status": 1,
        "deployment": {"id": "x"},
        "result": {"deployment": {"id": "x"}},
    }


def test_failure_carries_the_error_flat_and_under_result() -> None:
    error = {"code": "NOT_FOUND", "message": "No.", "details": {}}
    assert failure(code="NOT_FOUND", message="No.").body == {"status": 2, "error": error, "result": {"error": error}}


def test_a_reply_has_the_bytes_that_nestjs_sends() -> None:
    address = ReplyAddress(topic="x.reply", partition=2, correlation_id=b"c-1")
    reply = reply_to(address, success({}))
    assert reply.headers == (("kafka_correlationId", b"c-1"), ("kafka_nest-is-disposed", b"\x00"))
    assert reply.value == b'{"status":1,"result":{}}'


@pytest.mark.parametrize("answer", [crashed(), not_signed_in("Sign in first.")])
def test_a_transport_error_has_no_value_and_never_an_empty_header(answer: object) -> None:
    reply = reply_to(ReplyAddress(topic="x.reply", partition=0, correlation_id=b"c"), answer)  # type: ignore[arg-type]
    assert reply.value is None
    assert json.loads(dict(reply.headers)["kafka_nest-err"])["status"] == "error"
    assert CRASHED["message"] == "Internal server error"


def test_a_record_goes_by_the_name_of_another_only_as_a_replay() -> None:
    original = {"x-dlq-original-record": b"deployment-service.deployProject:0:41"}
    assert incoming(**original).record_name == "deployment-service.getDeployment:2:7"
    assert incoming(**original, **{"x-dlq-replay": b"true"}).record_name == "deployment-service.deployProject:0:41"
