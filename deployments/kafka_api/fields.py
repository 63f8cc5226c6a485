"""Reading the fields of a request with their type. Every function raises Invalid for a wrong one. Pure.

Empty text, 0 and null count as left out: proto3 callers send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from deployments.errors import Invalid
from deployments.states import Status
from deployments.types import Target, TargetKind
from deployments.wire import STATUS_OF_NUMBER

MAX_NUMBER = 2**31 - 1
# Stored with a prefix of ours in 200 characters.
MAX_ID = 180
DEFAULT_LIMIT = 10
UUID_LENGTH = 36

Body = Mapping[str, Any]


def wrong(field: str, why: str) -> Invalid:
    return Invalid("Some fields are missing or wrong.", details={field: why})


def optional_uuid(body: Body, field: str) -> UUID | None:
    value = body.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) != UUID_LENGTH:
        raise wrong(field, "must be a UUID")
    try:
        return UUID(value)
    except ValueError:
        raise wrong(field, "must be a UUID") from None


def required_uuid(body: Body, field: str) -> UUID:
    value = optional_uuid(body, field)
    if value is None:
        raise wrong(field, "is required")
    return value


def flag(body: Body, field: str) -> bool:
    """Return false when left out."""
    value = body.get(field)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise wrong(field, "must be true or false")
    return value


def number(body: Body, field: str, *, default: int, path: str = "") -> int:
    """Return a whole number within 32 bits."""
    value = body.get(field)
    if value is None or value == 0:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(path + field, "must be a whole number")
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise wrong(path + field, "is out of range")
    return value


def section(body: Body, field: str) -> Body:
    """Return an object inside the request; empty when left out."""
    value = body.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(field, "must be an object")
    return value


def env_vars(body: Body) -> dict[str, str]:
    """Return the variables by name, all text. The error names the variable and never its value."""
    values = section(body, "envVars")
    for name, value in values.items():
        if not isinstance(value, str):
            raise wrong(f"envVars.{name[:50]}", "must be text")
    return dict(values)


def target(body: Body) -> Target:
    """Return the one target that serverId or clusterId names."""
    server, cluster = optional_uuid(body, "serverId"), optional_uuid(body, "clusterId")
    if server is not None and cluster is None:
        return Target(kind=TargetKind.SERVER, id=server)
    if cluster is not None and server is None:
        return Target(kind=TargetKind.CLUSTER, id=cluster)
    raise Invalid("Name one target.", details={"serverId": "give either serverId or clusterId"})


def status_filter(body: Body) -> Status | None:
    """Return None for all."""
    value = number(body, "statusFilter", default=0)
    if value and value not in STATUS_OF_NUMBER:
        raise wrong("statusFilter", f"must be a number from 1 to {max(STATUS_OF_NUMBER)}")
    return STATUS_OF_NUMBER.get(value)


def text(body: Body, field: str, *, path: str = "") -> str:
    """Return short text without NUL; empty when left out."""
    value = body.get(field)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_ID or "\x00" in value:
        raise wrong(path + field, f"must be text of at most {MAX_ID} characters")
    return value
