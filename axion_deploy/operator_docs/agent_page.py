"""The reference of agent.toml: keys and defaults as agents/runner reads them, meanings from here."""

from __future__ import annotations

import ast

from agents.runner.config import GIBIBYTE, REGISTRY_PATIENCE, STALLED_AFTER, UPDATE_SECONDS
from agents.runner.policy.section import KEYS
from axion_deploy.operator_docs.tables import calls, code, table, text_of

INTRODUCTION = """# agent.toml

The agent reads `/etc/axion/agent.toml`, or the file of `--config`. The variable `AXION_AGENT__SECTION__KEY` in its
environment wins over the file, for example `AXION_AGENT__CONTROL_PLANE__GRPC_URL`. Sections and keys that are not
listed here are left alone, except in `[policy]`, where an unknown key stops the agent.
"""
POLICY = """## policy

What the owner of the machine allows beyond an ordinary container. Nothing is allowed without an entry, whatever the
control plane asks for. Lists are TOML lists, or words with commas in the environment. Docker's socket, the engine's
folders and the agent's own state have to be named themselves: a folder around them does not open them.
"""
SECTIONS = frozenset({"agent", "control_plane", "build", "logging", "kafka", "metrics"})
# Where they are read.
READERS = ("agents/runner/config.py", "agents/runner/kafka_way/settings.py")
MEANINGS = {
    "agent.server_id": "The id of the server, as its page shows it. Not needed: the token says it.",
    "agent.token": "The one-time enrolment token, which says where the gateway is, too. Needed once; afterwards the"
    " agent has a certificate and a credential of its own.",
    "agent.token_file": "A file that holds the token, instead of `agent.token`.",
    "agent.name": "A name for people, shown in the admin.",
    "agent.state_dir": "Where the journal, releases, code and the credential are. Only the agent's user may read it.",
    "agent.credential_file": "Where the credential is kept; by itself `credential.json` in `agent.state_dir`. The"
    " certificate lies beside it.",
    "agent.stalled_after_seconds": "The control plane is told of a command whose work has not moved for so long.",
    "agent.update_seconds": "For so long a new version may take to say Hello before the former one goes on.",
    "agent.registry_patience_seconds": "For so long a registry that is away is asked again before a deployment fails.",
    "control_plane.grpc_url": "The gateway, where the token does not say it or says otherwise: `https://HOST:PORT`;"
    " `http://` only for this machine itself.",
    "control_plane.ca_file": "The authority that signed the gateway's certificate, where the system's do not know it.",
    "control_plane.insecure": "`true`: speak in the clear to another machine, where the network is safe, as in a VPN.",
    "build.parallel": "How many images are built at a time.",
    "build.cache_bytes": "How much fetched code is kept on disk.",
    "build.ca_bundle": "Authorities that builds trust beside the usual ones, as a file.",
    "kafka.brokers": "The platform's brokers, for an agent that cannot reach the gateway and has no `grpc_url`.",
    "kafka.security": "`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.",
    "kafka.sasl_mechanism": "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.",
    "kafka.username": "Who the agent is to the brokers, with SASL.",
    "kafka.password": "Its password there.",
    "kafka.password_file": "A file that holds the password, instead of `kafka.password`.",
    "kafka.ca_file": "The authority that signed the brokers' certificates, where the system's do not know it.",
    "kafka.cert_file": "The agent's certificate for the brokers, where they ask for one.",
    "kafka.key_file": "The key of that certificate.",
    "metrics.bind": "`127.0.0.1:PORT`: the agent tells its figures to Prometheus under `/metrics` there, to this"
    " machine alone. See *Monitor the control plane*.",
    "logging.level": "`DEBUG`, `INFO`, `WARNING` or `ERROR`.",
}
POLICY_MEANINGS = {
    "bind_mounts": "Paths of the host, with all that lies below them. Otherwise only files of the release, to be read.",
    "privileged": "`true`: `privileged: true`.",
    "capabilities": "Capabilities beyond those that Docker gives every container (`cap_add`).",
    "devices": "Paths of devices; the word `gpu` for GPUs and reserved devices.",
    "host_namespaces": "Any of `network`, `pid`, `ipc`, `uts`, `userns`, `cgroup` of the host.",
    "registry_certificates": "`true`: while it pulls or pushes, the agent may write the authority stored with a "
    "registry into `/etc/docker/certs.d`, for exactly that registry, and never over what is there.",
    "security_options": "Entries of `security_opt`, word for word. `no-new-privileges` needs none.",
    "adopt": "`true`: how containers that are not ours are set up, the values of their variables included, may be told "
    "to the control plane, and a stack may be put in their place, with their volumes.",
    "external": "Volumes and networks that do not belong to the stack, by name.",
}
# Where the default is no constant at the call.
DEFAULTS = {
    "build.cache_bytes": str(GIBIBYTE),
    "agent.stalled_after_seconds": str(STALLED_AFTER),
    "agent.update_seconds": str(UPDATE_SECONDS),
    "agent.registry_patience_seconds": str(REGISTRY_PATIENCE),
}


def agent_page() -> str:
    """Return the page. Raises KeyError for a key that the agent reads and nobody describes."""
    rows = [(code(key), code(default), MEANINGS[key]) for key, default in agent_keys().items()]
    policy = [(code(key), POLICY_MEANINGS[key]) for key in sorted(KEYS)]
    return "\n".join((
        INTRODUCTION,
        table(("Key", "By itself", "Meaning"), rows),
        POLICY,
        table(("Key", "Allows"), policy),
    ))  # fmt: skip


def agent_keys() -> dict[str, str]:
    """Return the keys that the agent reads outside of [policy], as section.key, each with its default."""
    found = (_key_and_default(call) for reader in READERS for _, call in calls(reader))
    keys = {key: DEFAULTS.get(key, default) for key, default in found if key}
    return dict(sorted(keys.items()))


def _key_and_default(call: ast.Call) -> tuple[str, str]:
    """Return section.key and its default of a call such as _text(agent, "name", "") or agent.get("name", "").

    The variable that holds a section is named for it. Both texts are empty for any other call.
    """
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    section, *rest = (owner, *call.args) if owner is not None else (*call.args, None)
    key = text_of(rest[0]) if rest and rest[0] is not None else ""
    if not isinstance(section, ast.Name) or section.id not in SECTIONS or not key:
        return "", ""
    default = rest[1] if len(rest) > 1 else None
    return f"{section.id}.{key}", _shown(default)


def _shown(default: ast.expr | None) -> str:
    """Return a constant as it would stand in TOML; empty for what is no constant."""
    if not isinstance(default, ast.Constant):
        return ""
    return str(default.value).lower() if isinstance(default.value, bool) else str(default.value)
