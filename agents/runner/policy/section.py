"""The section [policy] of agent.toml. Lists are TOML lists, or words with commas when they come by the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agents.runner.errors import ConfigInvalidError
from agents.runner.policy.rules import ENGINE_FOLDERS, NAMESPACES, SOCKETS, Policy, bare_capability, with_links

KEYS = frozenset(
    {
        *("bind_mounts", "privileged", "capabilities", "devices", "host_namespaces", "security_options", "external"),
        *("registry_certificates", "adopt"),
    }
)


def read_policy(section: Mapping[str, object], *, state_dir: Path) -> Policy:
    """Return what the machine's owner allows; nothing without the section. Raises ConfigInvalidError naming the key."""
    stray = sorted(set(section) - KEYS)
    if stray:
        # A word that is misspelt must not look as if it were obeyed.
        raise ConfigInvalidError(f"policy.{stray[0]}: there is no such key; known are {', '.join(sorted(KEYS))}.")
    namespaces = _words(section, "host_namespaces")
    if namespaces - NAMESPACES:
        raise ConfigInvalidError(f"policy.host_namespaces: known are {', '.join(sorted(NAMESPACES))}.")
    try:
        binds = with_links(_words(section, "bind_mounts"))
    except ValueError as error:
        raise ConfigInvalidError(f"policy.bind_mounts: {error}.") from error
    return Policy(
        bind_mounts=binds,
        guarded=with_links({*SOCKETS, *ENGINE_FOLDERS, str(state_dir.absolute())}),
        privileged=switch(section.get("privileged", False), key="policy.privileged"),
        capabilities=frozenset(bare_capability(name) for name in _words(section, "capabilities")),
        devices=_words(section, "devices"),
        host_namespaces=namespaces,
        security_options=_words(section, "security_options"),
        external=_words(section, "external"),
        registry_certificates=switch(section.get("registry_certificates", False), key="policy.registry_certificates"),
        adopt=switch(section.get("adopt", False), key="policy.adopt"),
    )


def switch(value: object, *, key: str) -> bool:
    """Return true or false. Raises ConfigInvalidError for anything else."""
    word = str(value).strip().lower()
    if word not in {"true", "false"}:
        raise ConfigInvalidError(f"{key}: {value!r} is neither true nor false.")
    return word == "true"


def _words(section: Mapping[str, object], key: str) -> frozenset[str]:
    value = section.get(key, [])
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConfigInvalidError(f"policy.{key}: {value!r} is not a list of texts.")
    return frozenset(word.strip() for word in words if word.strip())
