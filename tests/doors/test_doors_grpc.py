"""The gateway's calls by everybody: the table, with the real bindings behind a real channel."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from agents.contracts import common_pb2, runner_pb2, runner_pb2_grpc
from agents.runner.control_plane.channel import OPTIONS
from agents.transport.grpc_server import Gateway
from agents.transport.ports import GatewayConfig
from axion_deploy.gateway_bindings import bindings
from tests.doors.scene import Scene
from tests.doors.sockets import close_connections
from tests.doors.table import CALLS, PEOPLE, STREAMS, Call

SERVICE = runner_pb2.DESCRIPTOR.services_by_name["RunnerAgentService"]


def gateway_config() -> GatewayConfig:
    database = connection.settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    conninfo = make_conninfo(**{ours: database[theirs] for ours, theirs in names.items()})
    return GatewayConfig(bind="127.0.0.1:0", conninfo=conninfo, stop_grace=0.2)


def request_of(name: str, call: Call, scene: Scene) -> Any:
    message = getattr(runner_pb2, SERVICE.methods_by_name[name].input_type.name, None) or common_pb2.Empty
    return message(**scene.fill(call.fields))


async def said(stub: Any, name: str, request: Any, token: str | None) -> str:
    """The name of the call's status, or of what the answer's envelope says."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        answer = await getattr(stub, name)(request, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    if not hasattr(answer, "status"):
        return "OK"
    return "SUCCESS" if answer.status == common_pb2.SUCCESS else str(answer.error.code)


@pytest.mark.django_db(transaction=True)
async def test_calls(scene: Scene) -> None:
    """From the one who may least to the owner, so that nobody finds the work done before."""
    gateway = Gateway(config=gateway_config(), bindings=bindings())
    port = await gateway.start()
    heard: dict[str, tuple[str, ...]] = {}
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
            stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
            for name, call in CALLS.items():
                request = request_of(name, call, scene)
                answers = [await said(stub, name, request, scene.token(who)) for who in reversed(PEOPLE)]
                heard[name] = tuple(reversed(answers))
    finally:
        await gateway.stop()
        await close_connections()
    assert heard == {name: call.answers for name, call in CALLS.items()}


def test_no_call_is_left_out() -> None:
    assert {method.name for method in SERVICE.methods} == {*CALLS, *STREAMS}
