"""What people are told of an agent that speaks an older protocol than new work takes. Pure."""

from __future__ import annotations

from agents.wording.sentences import sentence


def too_old_sentence(*, server: str, version: str) -> str:
    """Return why such an agent is given nothing new, and what to do; `server` names it."""
    return sentence(
        "The agent of {server}, version {version}, is too old for this control plane: it takes no new commands, and"
        " what runs there keeps running. Update the agent on the server's page, then try again.",
        server=server,
        version=version or sentence("unknown"),
    )
