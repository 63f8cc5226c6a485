"""The values behind a stack's variables: given with the request, stored with the project, or generated once."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.data.variable_types import GivenVariables
from deployments.errors import Invalid
from deployments.repositories import deployments, secrets
from deployments.services.secrets import sealing
from stackgen.errors import VariablesMissing
from stackgen.parts.variables import resolve
from stackgen.results import Stack, StackService

PASSWORD_BYTES = 24
# Kept with the project like a secret: without it nobody can try values against a fingerprint.
FINGERPRINT_KEY = "internal.fingerprint"


def resolve_values(
    *, project_id: UUID, stack: Stack, given: GivenVariables, new_password: Callable[[int], str]
) -> dict[str, str]:
    """Return every variable of the stack with its value. Passwords that nobody gave are generated and stored.

    Opens small transactions of its own. The result is secret: seal it or hand it to the agent, nothing else. Raises
    Invalid naming each value that nobody gave, by node and field.
    """
    needed = (FINGERPRINT_KEY, *generated_keys(stack))
    stored = _with_generated(project_id=project_id, needed=needed, new_password=new_password)
    return _resolved(stack=stack, env=given.flat, stored=stored)


def proposed_values(*, project_id: UUID, stack: Stack, given: GivenVariables) -> dict[str, str]:
    """Return the values for a plan: stores nothing, so a password that is still to be generated is empty. Secret.

    Raises Invalid as `resolve_values` does.
    """
    stored = {**dict.fromkeys(generated_keys(stack), ""), **project_secrets(project_id=project_id)}
    return _resolved(stack=stack, env=given.flat, stored=stored)


def ensure_fingerprint_key(*, project_id: UUID, new_password: Callable[[int], str]) -> None:
    """Generate the project's fingerprint key unless it has one. Opens a small transaction of its own."""
    _with_generated(project_id=project_id, needed=(FINGERPRINT_KEY,), new_password=new_password)


def request_env(*, deployment_id: UUID) -> dict[str, str]:
    """Return the variables that came with the request, opened. Secret."""
    _, sealed_env = deployments.sealed_values(deployment_id=deployment_id)
    return sealing.unseal_env(sealed=sealed_env, deployment_id=deployment_id)


def generated_keys(stack: Stack) -> tuple[str, ...]:
    """Return the keys of the passwords that nobody gives."""
    return tuple(variable.key for variable in stack.variables if variable.kind == "generated")


def _with_generated(*, project_id: UUID, needed: tuple[str, ...], new_password: Callable[[int], str]) -> dict[str, str]:
    stored = project_secrets(project_id=project_id)
    missing = {key: new_password(PASSWORD_BYTES) for key in needed if key not in stored}
    if missing:
        store_generated(project_id=project_id, values=missing)
        stored = project_secrets(project_id=project_id)
    return stored


def _resolved(*, stack: Stack, env: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    try:
        return resolve(stack=stack, env=env, secrets=stored)
    except VariablesMissing as error:
        asked = ", ".join(sorted(error.keys.values()))
        raise Invalid(
            sentence(
                "Nobody gave a value for {asked}. Set it as a variable of the node or of the "
                "project, or store the graph again with the value.",
                asked=asked,
            ),
            details=dict.fromkeys(error.keys.values(), "no value"),
        ) from error


def content_hashes(*, project_id: UUID, services: Iterable[StackService], values: Mapping[str, str]) -> dict[str, str]:
    """Return, by service, a hash of all that it is made of: the values of its variables too, so a new one replaces it.

    HMAC-SHA-256 (RFC 2104) under a key of the project: the hash stands on the container, where anyone may read it.
    """
    key = project_secrets(project_id=project_id)[FINGERPRINT_KEY].encode()
    hashes = {}
    for service in services:
        names = service.aspects.get("variables", "").split()
        content = json.dumps([service.content_hash, [[name, values[name]] for name in names]])
        hashes[service.name] = hmac.new(key, content.encode(), hashlib.sha256).hexdigest()
    return hashes


def project_secrets(*, project_id: UUID) -> dict[str, str]:
    """Return the project's values by key, opened. Secret."""
    return {
        key: sealing.unseal_secret(sealed=value, project_id=project_id, key=key)
        for key, value in secrets.sealed(project_id=project_id).items()
    }


def store_generated(*, project_id: UUID, values: dict[str, str]) -> None:
    """Store generated values; one that another job stored first stays."""
    sealed = {key: sealing.seal_secret(value=value, project_id=project_id, key=key) for key, value in values.items()}
    secrets.add_missing(project_id=project_id, values=sealed)


def store_given(*, project_id: UUID, values: dict[str, str]) -> None:
    """Store values given in a graph over older ones."""
    sealed = {key: sealing.seal_secret(value=value, project_id=project_id, key=key) for key, value in values.items()}
    secrets.replace(project_id=project_id, values=sealed)


def values_for(*, deployment_id: UUID) -> dict[str, str]:
    """Return what the agent of this deployment passes to its containers: exactly the values of its start. Secret."""
    sealed, _ = deployments.sealed_values(deployment_id=deployment_id)
    return sealing.unseal_stack(sealed=sealed, deployment_id=deployment_id)
