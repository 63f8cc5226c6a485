"""Our protobuf messages as the content of frames: readable JSON, or sealed where they carry what is not for readers."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from agents.kafka_link.frames import BadFrameError, Frame
from agents.kafka_link.keys import LinkKeys, NotAuthenticError

M = TypeVar("M", bound=Message)
SESSION = "Session"


def with_content(frame: Frame, message: Message, *, keys: LinkKeys, readable: bool) -> Frame:
    """Return the frame with the message in it; one that is not for readers is sealed for this call alone."""
    if readable:
        return replace(frame, message=json_format.MessageToDict(message, preserving_proto_field_name=True))
    return replace(frame, sealed=keys.seal(message.SerializeToString(), bound_to=_place(frame)))


def content(frame: Frame, kind: type[M], *, keys: LinkKeys) -> M | None:
    """Return the message in the frame; None where it carries none. Raises BadFrameError."""
    try:
        if frame.sealed:
            return kind.FromString(keys.open(frame.sealed, bound_to=_place(frame)))
        if frame.message is not None:
            return json_format.ParseDict(frame.message, kind(), ignore_unknown_fields=True)
    except (json_format.ParseError, DecodeError, NotAuthenticError, RecursionError) as error:
        raise BadFrameError("no message of this call") from error
    return None


def _place(frame: Frame) -> str:
    return f"{frame.link}/{frame.call}"
