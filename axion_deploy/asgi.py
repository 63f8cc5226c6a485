"""The web process: pages and REST over HTTP, live updates over websockets."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "axion_deploy.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - needs the apps that the line above loads

from axion_deploy.bodies import BoundedBodies  # noqa: E402 - likewise
from axion_deploy.forwarded import ForwardedClient  # noqa: E402 - likewise
from deployments.consumers.routing import live_application  # noqa: E402 - likewise

application = ForwardedClient(BoundedBodies(ProtocolTypeRouter({"http": http, "websocket": live_application})))
