"""Websocket routes. A socket that brings no token of its own rides on cookies, so its origin must be ours."""

from __future__ import annotations

from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import CookieMiddleware
from django.urls import path

from deployments.consumers.deployment_socket import DeploymentConsumer
from deployments.consumers.logs_socket import LogsConsumer
from deployments.consumers.origins import SameOrigin
from deployments.consumers.project_socket import ProjectConsumer
from deployments.consumers.server_socket import ServerConsumer
from deployments.consumers.socket_identity import token_of


def route(pattern: str, consumer: type[AsyncWebsocketConsumer]) -> Any:
    """Return a websocket path."""
    # Django's own types know only HTTP views.
    return path(pattern, cast("Any", consumer.as_asgi()))


routes = CookieMiddleware(
    URLRouter(
        [
            route("ws/deployments/<uuid:id>/", DeploymentConsumer),
            route("ws/projects/<uuid:id>/", ProjectConsumer),
            route("ws/projects/<uuid:id>/logs/", LogsConsumer),
            route("ws/servers/<uuid:id>/", ServerConsumer),
            route("<path:unknown>", WebsocketDenier),
        ]
    )
)
from_our_pages = SameOrigin(routes)


async def live_application(scope: Any, receive: Any, send: Any) -> None:
    """Serve every socket of the product."""
    await (routes if token_of(scope) is not None else from_our_pages)(scope, receive, send)
