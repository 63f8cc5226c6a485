"""What each role may do, and whose role counts."""

from __future__ import annotations

import pytest

from deployments.roles import ROLES, Role, allows, greatest
from deployments.types import Right

MAY = {
    Role.VIEWER: {Right.SEE},
    Role.DEPLOYER: {Right.SEE, Right.DEPLOY},
    Role.EDITOR: {Right.SEE, Right.DEPLOY, Right.CHANGE},
    Role.APPROVER: {Right.SEE, Right.DEPLOY, Right.CHANGE, Right.APPROVE},
    Role.OWNER: set(Right),
}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_this_and_nothing_else(role: Role) -> None:
    assert {right for right in Right if allows(role, right)} == MAY[role]


def test_nobody_may_nothing() -> None:
    assert not any(allows(None, right) for right in Right)


def test_the_greatest_of_several_counts() -> None:
    assert greatest([]) is None
    assert greatest(["viewer", "approver", "deployer"]) is Role.APPROVER
    # What only a newer version knows gives no more than looking.
    assert greatest(["emperor"]) is Role.VIEWER
    assert greatest(ROLES) is Role.OWNER
