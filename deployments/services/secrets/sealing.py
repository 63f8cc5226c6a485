"""What every sealed value is bound to, written once: whoever stores, opens or renews one comes here.

A context that changes makes what is stored unreadable, so none ever does.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from deployments import encryption
from deployments.data.variable_types import Place
from deployments.encryption import CannotUnsealError as CannotUnsealError  # noqa: PLC0414 - told on to whoever unseals

has_key = encryption.has_key
newest_version = encryption.newest_version
version_of = encryption.version_of
_LETTER = "dead-letter"


def seal_stack(*, values: Mapping[str, str], deployment_id: UUID) -> str:
    """Seal all values of a deployment's stack as one."""
    return encryption.seal_mapping(values=values, context=_stack(deployment_id))


def unseal_stack(*, sealed: str, deployment_id: UUID) -> dict[str, str]:
    """Open what `seal_stack` sealed for this deployment; nothing for an empty text. Raises CannotUnsealError."""
    return encryption.unseal_mapping(sealed=sealed, context=_stack(deployment_id))


def renew_stack(*, sealed: str, deployment_id: UUID) -> str:
    """Seal the values of a stack anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_stack(deployment_id))


def seal_env(*, values: Mapping[str, str], deployment_id: UUID) -> dict[str, str]:
    """Seal each variable of a request for its deployment."""
    return {
        name: encryption.seal(value=value, context=_variable(deployment_id, name)) for name, value in values.items()
    }


def unseal_env(*, sealed: Mapping[str, str], deployment_id: UUID) -> dict[str, str]:
    """Open what `seal_env` sealed for this deployment. Raises CannotUnsealError."""
    return {
        name: encryption.unseal(sealed=value, context=_variable(deployment_id, name)) for name, value in sealed.items()
    }


def renew_env(*, sealed: str, name: str, deployment_id: UUID) -> str:
    """Seal one variable of a request under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_variable(deployment_id, name))


def seal_session(*, token: str, deployment_id: UUID) -> str:
    """Seal the session of who asked for a deployment."""
    return encryption.seal(value=token, context=_session(deployment_id))


def unseal_session(*, sealed: str, deployment_id: UUID) -> str:
    """Open what `seal_session` sealed for this deployment. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_session(deployment_id))


def renew_session(*, sealed: str, deployment_id: UUID) -> str:
    """Seal a session anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_session(deployment_id))


def seal_secret(*, value: str, project_id: UUID, key: str) -> str:
    """Seal one value that a project keeps."""
    return encryption.seal(value=value, context=_secret(project_id, key))


def unseal_secret(*, sealed: str, project_id: UUID, key: str) -> str:
    """Open what `seal_secret` sealed for this project and key. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_secret(project_id, key))


def renew_secret(*, sealed: str, project_id: UUID, key: str) -> str:
    """Seal a value that a project keeps anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_secret(project_id, key))


def seal_variable(*, value: str, project_id: UUID, place: Place, name: str) -> str:
    """Seal the value of one variable that is stored for a project, a target or a node."""
    return encryption.seal(value=value, context=_stored(project_id, place, name))


def unseal_variable(*, sealed: str, project_id: UUID, place: Place, name: str) -> str:
    """Open what `seal_variable` sealed for this place and name. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_stored(project_id, place, name))


def renew_variable(*, sealed: str, project_id: UUID, place: Place, name: str) -> str:
    """Seal the value of a stored variable anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_stored(project_id, place, name))


def seal_channel(*, values: Mapping[str, str], channel_id: UUID) -> str:
    """Seal the address of a channel, and what its messages are signed with."""
    return encryption.seal_mapping(values=values, context=_channel(channel_id))


def unseal_channel(*, sealed: str, channel_id: UUID) -> dict[str, str]:
    """Open what `seal_channel` sealed for this channel. Raises CannotUnsealError."""
    return encryption.unseal_mapping(sealed=sealed, context=_channel(channel_id))


def renew_channel(*, sealed: str, channel_id: UUID) -> str:
    """Seal the address of a channel anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_channel(channel_id))


def seal_registry(*, password: str, registry_id: UUID) -> str:
    """Seal the password of a registry."""
    return encryption.seal(value=password, context=_registry(registry_id))


def unseal_registry(*, sealed: str, registry_id: UUID) -> str:
    """Open what `seal_registry` sealed for this registry. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_registry(registry_id))


def renew_registry(*, sealed: str, registry_id: UUID) -> str:
    """Seal the password of a registry anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_registry(registry_id))


def seal_letter(*, original: str) -> str:
    """Seal what a dead letter is replayed from."""
    return encryption.seal(value=original, context=_LETTER)


def unseal_letter(*, sealed: str) -> str:
    """Open what `seal_letter` sealed. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_LETTER)


def seal_installation(*, values: Mapping[str, str], installation_id: UUID) -> str:
    """Seal what an installation signs in with."""
    return encryption.seal_mapping(values=values, context=_installation(installation_id))


def unseal_installation(*, sealed: str, installation_id: UUID) -> dict[str, str]:
    """Open what `seal_installation` sealed for this installation. Raises CannotUnsealError."""
    return encryption.unseal_mapping(sealed=sealed, context=_installation(installation_id))


def renew_installation(*, sealed: str, installation_id: UUID) -> str:
    """Seal what an installation signs in with anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_installation(installation_id))


def seal_login(*, values: Mapping[str, str], server_id: UUID) -> str:
    """Seal a login that is kept for a server."""
    return encryption.seal_mapping(values=values, context=_login(server_id))


def unseal_login(*, sealed: str, server_id: UUID) -> dict[str, str]:
    """Open what `seal_login` sealed for this server. Raises CannotUnsealError."""
    return encryption.unseal_mapping(sealed=sealed, context=_login(server_id))


def renew_login(*, sealed: str, server_id: UUID) -> str:
    """Seal a kept login anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_login(server_id))


class AuthorityKeySeal:
    """Seals private keys of certificate authorities."""

    def seal(self, *, key: str, authority_id: UUID) -> str:
        return encryption.seal(value=key, context=_authority(authority_id))

    def unseal(self, *, sealed: str, authority_id: UUID) -> str:
        """Open what `seal` sealed for this authority. Raises CannotUnsealError."""
        return encryption.unseal(sealed=sealed, context=_authority(authority_id))


def renew_authority(*, sealed: str, authority_id: UUID) -> str:
    """Seal an authority's key anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_authority(authority_id))


def seal_join_token(*, token: str, change_id: UUID) -> str:
    """Seal what a server joins a cluster with."""
    return encryption.seal(value=token, context=_join_token(change_id))


def unseal_join_token(*, sealed: str, change_id: UUID) -> str:
    """Open what `seal_join_token` sealed for this change. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_join_token(change_id))


def renew_join_token(*, sealed: str, change_id: UUID) -> str:
    """Seal a join token anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_join_token(change_id))


def seal_told(*, told: str, adoption_id: UUID) -> str:
    """Seal how containers of a server are set up."""
    return encryption.seal(value=told, context=_adoption(adoption_id))


def unseal_told(*, sealed: str, adoption_id: UUID) -> str:
    """Open what `seal_told` sealed for this look at a server. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_adoption(adoption_id))


def renew_told(*, sealed: str, adoption_id: UUID) -> str:
    """Seal what was told of a server anew under the newest key. Raises CannotUnsealError."""
    return _renewed(sealed, context=_adoption(adoption_id))


def _renewed(sealed: str, *, context: str) -> str:
    return encryption.seal(value=encryption.unseal(sealed=sealed, context=context), context=context)


def _stack(deployment_id: UUID) -> str:
    return f"deployment:{deployment_id}"


def _variable(deployment_id: UUID, name: str) -> str:
    return f"deployment:{deployment_id}:{name}"


def _session(deployment_id: UUID) -> str:
    return f"deployment:{deployment_id}:session"


def _secret(project_id: UUID, key: str) -> str:
    return f"project:{project_id}:{key}"


def _stored(project_id: UUID, place: Place, name: str) -> str:
    # A name holds no colon, so no two places and names make one text.
    return f"variable:{project_id}:{place.scope}:{place.key}:{name}"


def _authority(authority_id: UUID) -> str:
    return f"authority:{authority_id}"


def _channel(channel_id: UUID) -> str:
    return f"channel:{channel_id}"


def _registry(registry_id: UUID) -> str:
    return f"registry:{registry_id}"


def _installation(installation_id: UUID) -> str:
    return f"installation:{installation_id}"


def _login(server_id: UUID) -> str:
    return f"server-access:{server_id}"


def _adoption(adoption_id: UUID) -> str:
    return f"adoption:{adoption_id}"


def _join_token(change_id: UUID) -> str:
    return f"cluster-change:{change_id}:token"
