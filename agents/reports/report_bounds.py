"""What an agent says, cut to its bounds: by the agent before it is written down, and by the gateway once more.

A text that is too long is cut and says so; a report is never left out, or those after it would wait for it for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.limits import (
    CUT,
    MAX_CONTAINERS,
    MAX_ENDPOINTS,
    MAX_ERROR_BYTES,
    MAX_LINE_BYTES,
    MAX_LOG_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_NAME_BYTES,
    MAX_REPORT_BYTES,
    MAX_SERVICES,
    MAX_SETTINGS,
    MAX_SHORT_LINE_BYTES,
    MAX_TAIL_LINES,
    MAX_VOLUMES,
    MAX_WORD_BYTES,
)

IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}")
CONTAINER_ID = re.compile(r"[0-9a-f]{1,64}")
MAX_NUMBER = 1_000_000


def cut(text: str, limit: int) -> str:
    """Return the text, or as much of it as leaves room to say that it was cut. In bytes; without NUL, which no database
    keeps.
    """
    text = text.replace("\0", "\ufffd")
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: max(0, limit - len(CUT.encode()))].decode(errors="ignore") + CUT


def _word(text: str) -> str:
    return text[:MAX_WORD_BYTES].replace("\0", "\ufffd")


def bound_report(report: pb.Report) -> None:
    """Cut the report in place: to MAX_REPORT_BYTES, or with very many services still to what one message may be."""
    report.DiscardUnknownFields()
    report.command_id = _word(report.command_id)
    report.deployment_id = _word(report.deployment_id)
    kind = report.WhichOneof("body")
    if kind in BODIES:
        BODIES[kind](getattr(report, kind))
    if kind == "finished":
        _shrink(report)


def _stage(stage: pb.StageReached) -> None:
    stage.message = cut(stage.message, MAX_MESSAGE_BYTES)
    stage.percent = min(100, max(0, stage.percent))


def _service(service: pb.ServiceObserved) -> None:
    service.node_id = cut(service.node_id, MAX_NAME_BYTES)
    service.service_name = cut(service.service_name, MAX_NAME_BYTES)
    service.state = _word(service.state)
    service.health = _word(service.health)
    service.image = cut(service.image, MAX_ERROR_BYTES)
    service.error_message = cut(service.error_message, MAX_MESSAGE_BYTES)
    # What is no digest proves nothing.
    service.image_digest = service.image_digest if IMAGE_ID.fullmatch(service.image_digest) else ""
    known = [each for each in service.container_ids if CONTAINER_ID.fullmatch(each)][:MAX_CONTAINERS]
    _replace(service.container_ids, known)
    service.replicas = min(MAX_NUMBER, max(0, service.replicas))
    service.healthy_replicas = min(MAX_NUMBER, max(0, service.healthy_replicas))
    _replace(service.image_volumes, [cut(each, MAX_ERROR_BYTES) for each in service.image_volumes[:MAX_VOLUMES]])
    _bound_map(service.settings, MAX_WORD_BYTES)
    _bound_map(service.shown, MAX_ERROR_BYTES)


def _bound_map(field: Any, limit: int) -> None:
    kept = {_word(name): cut(text, limit) for name, text in sorted(field.items())[:MAX_SETTINGS]}
    field.clear()
    field.update(kept)


def _log(log: pb.LogWritten) -> None:
    log.service_name = cut(log.service_name, MAX_NAME_BYTES)
    log.source = _word(log.source)
    log.text = cut(log.text, MAX_LOG_BYTES)


def _failed(failed: Any) -> None:
    """Cut either kind of report that says what went wrong."""
    failed.reason = _word(failed.reason)
    failed.message = cut(failed.message, MAX_MESSAGE_BYTES)
    failed.failed_service = cut(failed.failed_service, MAX_NAME_BYTES)
    # The last lines say most.
    _replace(failed.log_tail, [cut(line, MAX_LINE_BYTES) for line in failed.log_tail[-MAX_TAIL_LINES:]])


def _finished(finished: pb.CommandFinished) -> None:
    _failed(finished)
    finished.swarm_id, finished.swarm_node_id = _word(finished.swarm_id), _word(finished.swarm_node_id)
    _replace(finished.volumes_left, [cut(each, MAX_ERROR_BYTES) for each in finished.volumes_left[:MAX_VOLUMES]])
    del finished.endpoints[MAX_ENDPOINTS:]
    for endpoint in finished.endpoints:
        endpoint.node_id = cut(endpoint.node_id, MAX_NAME_BYTES)
        endpoint.outcome = _word(endpoint.outcome)
        endpoint.message = cut(endpoint.message, MAX_ERROR_BYTES)
        endpoint.milliseconds = min(MAX_NUMBER, max(0, endpoint.milliseconds))
    del finished.services[MAX_SERVICES:]
    for service in finished.services:
        _service(service)


def _shrink(report: pb.Report) -> None:
    """Leave out of a list that is too long what was told before or proves least, until the report fits."""
    finished = report.finished
    for shorten in (_leave_out_words, _shorten_errors, _leave_out_settings, _shorten_tail, _leave_out_names):
        if report.ByteSize() <= MAX_REPORT_BYTES:
            return
        shorten(finished)


def _leave_out_words(finished: pb.CommandFinished) -> None:
    for service in finished.services:
        service.ClearField("shown")


def _leave_out_settings(finished: pb.CommandFinished) -> None:
    """Leave out how they were set up: without it nobody can tell later what was changed of it, and says so."""
    for service in finished.services:
        service.ClearField("settings")


def _shorten_errors(finished: pb.CommandFinished) -> None:
    for service in finished.services:
        service.error_message = cut(service.error_message, MAX_ERROR_BYTES)
        service.ClearField("container_ids")
        service.ClearField("image_volumes")


def _shorten_tail(finished: pb.CommandFinished) -> None:
    _replace(finished.log_tail, [cut(line, MAX_SHORT_LINE_BYTES) for line in finished.log_tail])


def _leave_out_names(finished: pb.CommandFinished) -> None:
    """Leave out what was reported when the service was observed; its name says which it is."""
    for service in finished.services:
        service.ClearField("node_id")
        service.ClearField("image")
        service.ClearField("error_message")


def _replace(field: Any, values: list[str]) -> None:
    del field[:]
    field.extend(values)


BODIES: dict[str, Callable[[Any], None]] = {
    "stage": _stage,
    "service": _service,
    "log": _log,
    "restore_started": _failed,
    "finished": _finished,
}
