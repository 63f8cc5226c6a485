"""Seal everything under the newest key, while deployments go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from agents.isolation import Isolation
from deployments.data.variable_types import SealedVariable
from deployments.repositories.upkeep import sealed
from deployments.repositories.upkeep.sealed import SealedColumn, SealedSecret, SealedStack, SealedValue
from deployments.services.secrets import sealing
from deployments.services.secrets.sealing import CannotUnsealError, newest_version, version_of

# By column, how its value is sealed anew for the row of this id.
RENEWALS: dict[SealedColumn, Callable[[str, UUID], str]] = {
    sealed.SESSIONS: lambda value, pk: sealing.renew_session(sealed=value, deployment_id=pk),
    sealed.CHANNELS: lambda value, pk: sealing.renew_channel(sealed=value, channel_id=pk),
    sealed.REGISTRIES: lambda value, pk: sealing.renew_registry(sealed=value, registry_id=pk),
    sealed.INSTALLATIONS: lambda value, pk: sealing.renew_installation(sealed=value, installation_id=pk),
    sealed.LOGINS: lambda value, pk: sealing.renew_login(sealed=value, server_id=pk),
    sealed.AUTHORITIES: lambda value, pk: sealing.renew_authority(sealed=value, authority_id=pk),
    sealed.JOIN_TOKENS: lambda value, pk: sealing.renew_join_token(sealed=value, change_id=pk),
    sealed.ADOPTIONS: lambda value, pk: sealing.renew_told(sealed=value, adoption_id=pk),
}
BATCH = 100
# Each pass finds only what was written by a process that did not know the new key yet.
MAX_PASSES = 20


@dataclass
class Rotation:
    """What a rotation did. `unopened`: by key version, how many values stay because they could not be opened;
    `failed`: how many rows stay because they are not as we store them.
    """

    resealed: int = 0
    unopened: Counter[int] = field(default_factory=Counter)
    failed: int = 0
    settled: bool = False


def rotate_keys() -> Rotation:
    """Seal every stored value that another key sealed with the newest one.

    Writes row by row and only over what it read, so it may be killed and started again, and loses no value that is
    stored meanwhile. `settled` is True when a whole pass found nothing left to do.
    """
    rotation = Rotation()
    for _ in range(MAX_PASSES):
        one_pass = _pass()
        rotation.resealed += one_pass.resealed
        rotation.unopened, rotation.failed = one_pass.unopened, one_pass.failed
        if one_pass.resealed == 0:
            rotation.settled = True
            break
    return rotation


def _pass() -> Rotation:
    # History after deployments: an entry copies its deployment's values while it holds that row.
    found, loop = Rotation(), Isolation(loop="rotation")
    _each("project_secrets", sealed.secrets, lambda row: _reseal_secret(row, found), loop)
    _each("project_variables", sealed.stored_variables, lambda row: _reseal_variable(row, found), loop)
    for read, replace in (
        (sealed.of_deployments, sealed.replace_of_deployment),
        (sealed.of_history, sealed.replace_of_history),
    ):
        _each(read.__name__, read, partial(_reseal_stack, found=found, replace=replace), loop)
    for column in RENEWALS:
        read_column = partial(sealed.values, column)
        _each(f"{column.table}.{column.field}", read_column, partial(_reseal_value, column=column, found=found), loop)
    found.failed = loop.failing
    return found


Rows = tuple[SealedSecret, ...] | tuple[SealedVariable, ...] | tuple[SealedStack, ...] | tuple[SealedValue, ...]


def _each(what: str, read: Callable[..., Rows], act: Callable[..., None], loop: Isolation) -> None:
    last: object = None
    while page := read(after=last, limit=BATCH):
        for row in page:
            with loop.item((what, row.pk)):
                act(row)
        last = page[-1].pk


def _reseal_secret(row: SealedSecret, found: Rotation) -> None:
    renew = partial(sealing.renew_secret, project_id=row.project_id, key=row.key)
    renewed = _renewed(row.sealed, renew=renew, found=found)
    if renewed != row.sealed and sealed.replace_secret(old=row, sealed=renewed):
        found.resealed += 1


def _reseal_variable(row: SealedVariable, found: Rotation) -> None:
    renew = partial(sealing.renew_variable, project_id=row.project_id, place=row.place, name=row.name)
    renewed = _renewed(row.sealed, renew=renew, found=found)
    if renewed != row.sealed and sealed.replace_variable(old=row, sealed=renewed):
        found.resealed += 1


def _reseal_value(row: SealedValue, *, column: SealedColumn, found: Rotation) -> None:
    renewed = _renewed(row.sealed, renew=lambda *, sealed: RENEWALS[column](sealed, row.pk), found=found)
    if renewed != row.sealed and sealed.replace_value(column, old=row, sealed=renewed):
        found.resealed += 1


def _reseal_stack(row: SealedStack, *, found: Rotation, replace: Callable[..., bool]) -> None:
    renew = partial(sealing.renew_stack, deployment_id=row.deployment_id)
    variables = _renewed(row.sealed_variables, renew=renew, found=found)
    env = {
        name: _renewed(value, renew=partial(sealing.renew_env, name=name, deployment_id=row.deployment_id), found=found)
        for name, value in row.env_vars.items()
    }
    unchanged = (variables, env) == (row.sealed_variables, dict(row.env_vars))
    if not unchanged and replace(old=row, sealed_variables=variables, env_vars=env):
        found.resealed += 1


def _renewed(value: str, *, renew: Callable[..., str], found: Rotation) -> str:
    """Return the value under the newest key; as it is when that sealed it, it is empty, or it cannot be opened."""
    if not value or version_of(value) == newest_version():
        return value
    try:
        return renew(sealed=value)
    except CannotUnsealError:
        found.unopened[version_of(value)] += 1
        return value
