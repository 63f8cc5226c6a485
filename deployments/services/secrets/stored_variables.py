"""The variables that stay from one deployment to the next, opened for the deployment that takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.data.variable_types import GivenVariables, Place, overlaid
from deployments.errors import Invalid
from deployments.repositories import variables as rows
from deployments.services.secrets import sealing, variable_bounds


@dataclass(frozen=True, kw_only=True)
class VariableChanges:
    """What a deployment changes of the variables that are given: names alone, those of nodes by "<node id>.<name>"."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def given_variables(*, project_id: UUID, target_id: UUID, request: Mapping[str, str]) -> GivenVariables:
    """Return what a deployment is given: the stored variables and, over them, those of its request. Secret.

    Raises Invalid naming the variable whose key is missing, or for more than one deployment may be given.
    """
    stored: defaultdict[Place, dict[str, str]] = defaultdict(dict)
    for row in rows.sealed_for(project_id=project_id, target_id=target_id):
        try:
            stored[row.place][row.name] = sealing.unseal_variable(
                sealed=row.sealed, project_id=project_id, place=row.place, name=row.name
            )
        except sealing.CannotUnsealError as error:
            raise Invalid(
                sentence("The stored variable {row} cannot be opened: {error} Set it again.", row=row.name, error=error)
            ) from error
    given = overlaid(stored=stored, request=request)
    variable_bounds.check_size(given.flat)
    return given


def compare(*, old: Mapping[str, str], new: Mapping[str, str], key: str) -> VariableChanges:
    """Return what differs, by HMAC-SHA-256 (RFC 2104) of the values under the project's key."""
    before, after = _fingerprints(old, key), _fingerprints(new, key)
    return VariableChanges(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
        removed=tuple(sorted(before.keys() - after.keys())),
    )


def _fingerprints(values: Mapping[str, str], key: str) -> dict[str, bytes]:
    # The name is part of it, so equal values of two names are not told apart from others.
    return {
        name: hmac.digest(key.encode(), json.dumps([name, value]).encode(), hashlib.sha256)
        for name, value in values.items()
    }
