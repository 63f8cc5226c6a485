"""Who asked for a deployment, as its job tells the peers.

The job comes after the request, so the session goes along: sealed, for as long as the deployment waits and no longer.
Peers judge it themselves; one that has ended meanwhile fails the deployment.
"""

from __future__ import annotations

from uuid import UUID

from agents.wording.sentences import sentence
from deployments.clients.peers import Peer, fetched_by_job, uses
from deployments.errors import Unauthenticated
from deployments.repositories import deployments
from deployments.services.secrets import sealing
from deployments.types import Caller


def seal_session(*, caller: Caller, deployment_id: UUID) -> str:
    """Return the caller's session sealed for the job; empty when there is none that a peer is to get."""
    if not (caller.session_token and uses(Peer.AUTH) and fetched_by_job()):
        return ""
    return sealing.seal_session(token=caller.session_token, deployment_id=deployment_id)


def load_caller(*, deployment_id: UUID) -> Caller:
    """Return who asked, with a session if there was one. Raises NotFound, or Unauthenticated if it does not open."""
    user_id, name, sealed = deployments.requester(deployment_id=deployment_id)
    try:
        token = sealing.unseal_session(sealed=sealed, deployment_id=deployment_id) if sealed else ""
    except sealing.CannotUnsealError as error:
        raise Unauthenticated(sentence("Your session can no longer be used for this. Request it again.")) from error
    return Caller(user_id=user_id, name=name, session_token=token)
