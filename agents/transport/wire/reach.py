"""Checks of what lies elsewhere, to protobuf and back."""

from __future__ import annotations

from collections.abc import Iterable

from agents.command_types import CheckReachCommand, EndpointReached
from agents.contracts import runner_pb2


def check_to_wire(command: CheckReachCommand) -> runner_pb2.CheckReach:
    endpoints = [
        runner_pb2.Endpoint(node_id=each.node_id, host=each.host, port=each.port) for each in command.endpoints
    ]
    return runner_pb2.CheckReach(endpoints=endpoints)


def reached_from_wire(told: Iterable[runner_pb2.EndpointReached]) -> tuple[EndpointReached, ...]:
    return tuple(
        EndpointReached(
            node_id=each.node_id, outcome=each.outcome, message=each.message, milliseconds=each.milliseconds
        )
        for each in told
    )
