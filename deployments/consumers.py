"""Websocket doors."""

from channels.routing import URLRouter

live_application = URLRouter([])
