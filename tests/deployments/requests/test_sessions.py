"""Sessions without an auth peer are our own API tokens."""

from __future__ import annotations

import pytest
from knox.models import get_token_model

from deployments.clients.auth import validate_session
from deployments.errors import Unauthenticated
from deployments.models import User


def test_an_api_token_is_a_session(owner: User) -> None:
    _, token = get_token_model().objects.create(user=owner)
    assert validate_session(token) == owner.pk
    with pytest.raises(Unauthenticated):
        validate_session(token[:-1] + "x")
    owner.is_active = False
    owner.save()
    with pytest.raises(Unauthenticated):
        validate_session(token)
