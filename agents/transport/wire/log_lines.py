"""Requests for what containers write, to the wire, and their lines from it, within bounds."""

from __future__ import annotations

from agents.contracts import runner_pb2
from agents.limits import MAX_BATCH_LINES, MAX_LINE_BYTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_REMARKS
from agents.reports.log_lines import ContainerLine, LogBatch, LogRequest
from agents.reports.report_bounds import cut

# A line is cut in characters by the agent, and says so.
MAX_TEXT_BYTES = 4 * MAX_LINE_BYTES + 64


def request_to_wire(request: LogRequest) -> runner_pb2.ToAgent:
    return runner_pb2.ToAgent(
        read_logs=runner_pb2.ReadLogs(
            request_id=str(request.request_id),
            project_id=str(request.project_id),
            lane=request.lane,
            services=request.services,
            since_ms=request.since_ms,
            until_ms=request.until_ms,
            tail=request.tail,
            follow=request.follow,
            search=request.search,
        )
    )


def batch_from_wire(message: runner_pb2.LogBatch) -> LogBatch:
    """Cut what the agent says to what may be shown."""
    return LogBatch(
        lines=tuple(_line(each) for each in message.lines[:MAX_BATCH_LINES]),
        left_out=max(0, message.left_out) + max(0, len(message.lines) - MAX_BATCH_LINES),
        caught_up=message.caught_up,
        remarks=tuple(cut(remark, MAX_MESSAGE_BYTES) for remark in message.remarks[:MAX_REMARKS]),
    )


def _line(message: runner_pb2.ContainerLine) -> ContainerLine:
    return ContainerLine(
        at_ns=max(0, message.at_ns),
        service=cut(message.service_name, MAX_NAME_BYTES),
        container=cut(message.container_name, MAX_NAME_BYTES),
        text=cut(message.text, MAX_TEXT_BYTES),
        is_error_stream=message.is_error_stream,
    )
