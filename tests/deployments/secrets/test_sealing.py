"""What sealed values are bound to never changes: what was stored by any version still opens."""

from __future__ import annotations

from uuid import UUID

import pytest

from deployments.encryption import seal
from deployments.services.secrets import sealing
from deployments.services.secrets.sealing import CannotUnsealError

ID, OTHER = UUID(int=1), UUID(int=2)


def test_what_earlier_versions_sealed_opens() -> None:
    stored = seal(value='{"A": "1"}', context=f"deployment:{ID}")
    assert sealing.unseal_stack(sealed=stored, deployment_id=ID) == {"A": "1"}
    stored = seal(value="1", context=f"deployment:{ID}:A")
    assert sealing.unseal_env(sealed={"A": stored}, deployment_id=ID) == {"A": "1"}
    stored = seal(value="token", context=f"deployment:{ID}:session")
    assert sealing.unseal_session(sealed=stored, deployment_id=ID) == "token"
    stored = seal(value="s", context=f"project:{ID}:node.password")
    assert sealing.unseal_secret(sealed=stored, project_id=ID, key="node.password") == "s"
    assert sealing.unseal_letter(sealed=seal(value="letter", context="dead-letter")) == "letter"


def test_what_is_sealed_opens_nowhere_else() -> None:
    stack = sealing.seal_stack(values={"A": "1"}, deployment_id=ID)
    env = sealing.seal_env(values={"A": "1"}, deployment_id=ID)
    secret = sealing.seal_secret(value="s", project_id=ID, key="a")
    with pytest.raises(CannotUnsealError):
        sealing.unseal_stack(sealed=stack, deployment_id=OTHER)
    with pytest.raises(CannotUnsealError):
        sealing.unseal_env(sealed={"B": env["A"]}, deployment_id=ID)
    with pytest.raises(CannotUnsealError):
        sealing.unseal_secret(sealed=secret, project_id=ID, key="b")


def test_what_is_renewed_opens_as_before() -> None:
    stack = sealing.renew_stack(sealed=sealing.seal_stack(values={"A": "1"}, deployment_id=ID), deployment_id=ID)
    assert sealing.unseal_stack(sealed=stack, deployment_id=ID) == {"A": "1"}
    secret = sealing.renew_secret(sealed=sealing.seal_secret(value="s", project_id=ID, key="a"), project_id=ID, key="a")
    assert sealing.unseal_secret(sealed=secret, project_id=ID, key="a") == "s"
