"""Values that only one agent reads: not another one, not for another deployment, not after a change on the way."""

from __future__ import annotations

import pytest

from agents.pki.agent_keys import make_agent_keys, sealing_public_key
from agents.pki.sealed_values import CannotOpenError, open_logins, open_values, seal_logins, seal_values

KEYS, OTHERS = make_agent_keys(), make_agent_keys()
PUBLIC = sealing_public_key(KEYS.sealing_key)
VALUES = {"ENV_A": "canary-value", "EMPTY": ""}


def test_only_its_own_agent_opens_them_and_only_for_their_deployment() -> None:
    sealed = seal_values(values=VALUES, public_key=PUBLIC, deployment_id="d1")
    assert open_values(sealed=sealed, sealing_key=KEYS.sealing_key, deployment_id="d1") == VALUES
    assert b"canary" not in sealed
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for content, key, deployment in (
        (sealed, OTHERS.sealing_key, "d1"),
        (sealed, KEYS.sealing_key, "d2"),
        (changed, KEYS.sealing_key, "d1"),
        (b"", KEYS.sealing_key, "d1"),
    ):
        with pytest.raises(CannotOpenError):
            open_values(sealed=content, sealing_key=key, deployment_id=deployment)


def test_registries_are_not_taken_for_values() -> None:
    logins = [{"address": "registry.example.org", "password": "canary-login"}]
    sealed = seal_logins(logins=logins, public_key=PUBLIC, deployment_id="d1")
    assert open_logins(sealed=sealed, sealing_key=KEYS.sealing_key, deployment_id="d1") == logins
    with pytest.raises(CannotOpenError):
        open_values(sealed=sealed, sealing_key=KEYS.sealing_key, deployment_id="d1")
