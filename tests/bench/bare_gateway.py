"""python -m tests.bench.bare_gateway PORT: a gateway that only welcomes, to compare ours with.

It has the same options and the same messages, reads all that agents say, and knows nobody.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import django
import grpc

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "axion_deploy.settings")
django.setup()

from agents.contracts import runner_pb2 as pb  # noqa: E402 - needs what the line above loads
from agents.contracts import runner_pb2_grpc  # noqa: E402 - needs what the line above loads
from agents.contracts.version import PROTOCOL  # noqa: E402 - needs what the line above loads
from agents.transport.grpc_server import CHANNEL_OPTIONS  # noqa: E402 - needs what the line above loads


class BareService(runner_pb2_grpc.RunnerAgentServiceServicer):
    async def Session(self, messages: AsyncIterator[pb.FromAgent], context: Any) -> None:  # noqa: N802 - the wire's name
        await anext(messages)
        welcome = pb.Welcome(heartbeat_seconds=5, lost_after_seconds=60, protocol=PROTOCOL)
        await context.write(pb.ToAgent(welcome=welcome))
        async for _ in messages:
            pass


async def serve(port: int) -> None:
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    add_service: Any = runner_pb2_grpc.add_RunnerAgentServiceServicer_to_server
    add_service(BareService(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
