"""Names that both sides know. Apart from the rest, so that an agent at rest loads no more."""

from __future__ import annotations

# By this name agents know the gateway, wherever they reach it: the authority signs for no other server.
GATEWAY_NAME = "gateway.axion-deploy.internal"
