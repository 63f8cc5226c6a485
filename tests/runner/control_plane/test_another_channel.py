"""What work asks while the line takes another channel, such as one with a renewed certificate, is asked once more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc

from agents.contracts import runner_pb2 as pb
from agents.contracts import runner_pb2_grpc
from agents.runner.config import load_config
from agents.runner.control_plane.client import ControlPlane, GatewayCalls
from agents.runner.control_plane.line import Line
from agents.runner.interrupt import Interrupt

SECONDS = 30.0


class SlowAtFirst(runner_pb2_grpc.RunnerAgentServiceServicer):
    """Leaves the first one waiting."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def FetchSecrets(self, request: pb.FetchSecretsRequest, context: Any) -> pb.FetchSecretsResponse:  # noqa: N802
        del context
        if not self.asked.is_set():
            self.asked.set()
            await asyncio.sleep(SECONDS)
        return pb.FetchSecretsResponse(values={"OF": request.deployment_id})


async def test_secrets_asked_for_on_the_former_channel_come_over_the_next_one(tmp_path: Path) -> None:
    server, service = grpc.aio.server(), SlowAtFirst()
    add: Any = runner_pb2_grpc.add_RunnerAgentServiceServicer_to_server
    add(service, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    environment = {
        "AXION_AGENT__AGENT__STATE_DIR": str(tmp_path),
        "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://{address}",
    }
    async with Line(load_config(path=None, environment=environment)) as line:
        await line._use("before", lambda: grpc.aio.insecure_channel(address))
        plane = ControlPlane(calls=GatewayCalls(line=line), loop=asyncio.get_running_loop())
        asking = asyncio.create_task(asyncio.to_thread(plane.secrets, deployment_id="d", interrupt=Interrupt()))
        await service.asked.wait()
        await line._use("after", lambda: grpc.aio.insecure_channel(address))
        async with asyncio.timeout(SECONDS):
            assert (await asking).values == {"OF": "d"}
    await server.stop(0)
