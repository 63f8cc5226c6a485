"""What travels over the broker reads back as it was written, whole or in parts, and nothing else is taken."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.contracts import runner_pb2 as pb
from agents.kafka_link.envelopes import agent_of, command_envelope, commands_topic, event_envelope, frame_in
from agents.kafka_link.frames import MAX_PIECE, Assembly, BadFrameError, Frame, frame_of, pieces
from agents.kafka_link.keys import LinkKeys, NotAuthenticError
from agents.kafka_link.messages import content, with_content

KEYS = LinkKeys.of_credential("axa_one")
OTHERS = LinkKeys.of_credential("axa_another")
CALL = Frame(link="a.b", call="c", method="Session", number=7)


@settings(max_examples=20, deadline=None)
@given(text=st.text(max_size=50), size=st.integers(0, 2), readable=st.booleans(), end=st.booleans())
def test_any_message_reads_back_whole(text: str, size: int, readable: bool, end: bool) -> None:
    line = (text or "x") * (1 + size * MAX_PIECE // max(1, len(text or "x")))
    message = pb.FromAgent(report=pb.Report(command_id="1", log=pb.LogWritten(source="build", text=line)))
    frame = with_content(Frame(link="a.b", call="c", end=end), message, keys=KEYS, readable=readable)
    assembly = Assembly(max_bytes=MAX_PIECE * 100)
    parts = [frame_in(event_envelope(part, agent_id="a", whole=frame)) for part in pieces(frame)]
    wholes = [assembly.add(part) for part in parts]
    assert all(whole is None for whole in wholes[:-1])
    assert wholes[-1] is not None
    assert wholes[-1].end is end
    assert content(wholes[-1], pb.FromAgent, keys=KEYS) == message


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"link": 1},
        {"link": "a" * 200},
        {"link": "a", "number": "1"},
        {"link": "a", "number": True},
        {"link": "a", "message": "text"},
        {"link": "a", "end": 1},
    ],
)
def test_what_is_no_frame_is_refused(payload: Any) -> None:
    with pytest.raises(BadFrameError):
        frame_of(payload)
    with pytest.raises(BadFrameError):
        frame_in(json.dumps({"payload": payload}).encode())


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b'"text"', b"[" * 100_000, b"\xff"])
def test_what_is_no_envelope_is_refused(value: bytes | None) -> None:
    with pytest.raises(BadFrameError):
        frame_in(value)


def test_parts_without_end_are_refused_at_the_bound() -> None:
    assembly = Assembly(max_bytes=10)
    assert assembly.add(Frame(link="a", piece="12345", more=True)) is None
    with pytest.raises(BadFrameError):
        assembly.add(Frame(link="a", piece="1234567", more=True))


@pytest.mark.parametrize("piece", ["{", "[]", "{}", '{"message": {}}', "7"])
def test_parts_that_make_no_message_are_refused(piece: str) -> None:
    with pytest.raises(BadFrameError):
        Assembly(max_bytes=100).add(Frame(link="a", piece=piece))


def test_a_sealed_message_opens_for_its_call_and_key_alone() -> None:
    sealed = with_content(CALL, pb.FetchSecretsResponse(values={"A": "b"}), keys=KEYS, readable=False)
    assert sealed.message is None
    assert "b" not in json.loads(command_envelope(sealed))["payload"].get("message", {})
    opened = content(sealed, pb.FetchSecretsResponse, keys=KEYS)
    assert opened is not None
    assert dict(opened.values) == {"A": "b"}
    moved = Frame(link=sealed.link, call="other", sealed=sealed.sealed)
    for frame, keys in ((sealed, OTHERS), (moved, KEYS)):
        with pytest.raises(BadFrameError):
            content(frame, pb.FetchSecretsResponse, keys=keys)


def test_a_signature_holds_for_its_topic_and_content() -> None:
    signature = KEYS.signature(topic="one", value=b"text")
    KEYS.check(topic="one", value=b"text", signature=signature)
    for keys, topic, value in ((KEYS, "two", b"text"), (KEYS, "one", b"Text"), (OTHERS, "one", b"text")):
        with pytest.raises(NotAuthenticError):
            keys.check(topic=topic, value=value, signature=signature)


def test_topics_name_their_agent() -> None:
    agent_id = uuid4()
    assert agent_of(commands_topic(agent_id)) == agent_id
    assert agent_of("runner.events.nobody") is None
    assert agent_of("deployment-service.events") is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (pb.ToAgent(command=pb.Command(deploy=pb.Deploy(services=[pb.ServiceSpec(name="a")]))), "Deploy"),
        (pb.ToAgent(command=pb.Command(deploy=pb.Deploy(stack_name="s"))), "Stop"),
        (pb.ToAgent(command=pb.Command(revert=pb.Revert())), "Rollback"),
        (pb.ToAgent(welcome=pb.Welcome()), "GetStatus"),
    ],
)
def test_commands_bear_the_platforms_names(message: pb.ToAgent, kind: str) -> None:
    frame = with_content(CALL, message, keys=KEYS, readable=True)
    assert json.loads(command_envelope(frame))["command_type"] == kind
    assert json.loads(command_envelope(pieces(frame)[0], whole=frame))["command_type"] == kind
