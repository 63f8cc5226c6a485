"""The client's address of a request as Django has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from agents import addresses

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request


def client_in(request: HttpRequest | Request) -> str:
    """Return the address that sent the request, also behind trusted proxies."""
    return addresses.client_of(
        peer=str(request.META.get("REMOTE_ADDR") or ""),
        forwarded=str(request.META.get("HTTP_X_FORWARDED_FOR") or ""),
        trusted=settings.AXION_TRUSTED_PROXIES,
    )


def key_in(request: HttpRequest | Request) -> str:
    """Return what the request is counted by."""
    return addresses.counting_key(client_in(request))
