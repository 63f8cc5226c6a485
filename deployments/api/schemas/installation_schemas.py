"""What requests and answers on installing agents hold, for the OpenAPI document. Names are the wire's."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp
from deployments.data.installation_types import InstallationAction, InstallationState, Step, StepState

HELP_KEY = "The fingerprint of the server's host key as ssh-keygen -l shows it. Without it, you are asked."
HELP_LOGIN = "Sealed until the end, then forgotten unless keepLogin is true. Never in an answer."
MAX_SECRET, MAX_PRIVATE_KEY = 1024, 32 * 1024


class InstallationIn(RequestSchema):
    action = serializers.ChoiceField(choices=[str(each) for each in InstallationAction], required=False)
    host = serializers.CharField(
        max_length=255, required=False, help_text="Default: the last one used, or the server's host."
    )
    port = serializers.IntegerField(min_value=1, max_value=65535, required=False)
    username = serializers.CharField(max_length=100, required=False, help_text="root, or who may use sudo.")
    password = serializers.CharField(
        max_length=MAX_SECRET, required=False, allow_blank=True, trim_whitespace=False, help_text=HELP_LOGIN
    )
    privateKey = serializers.CharField(
        max_length=MAX_PRIVATE_KEY, required=False, allow_blank=True, trim_whitespace=False, help_text=HELP_LOGIN
    )
    passphrase = serializers.CharField(max_length=MAX_SECRET, required=False, allow_blank=True, trim_whitespace=False)
    sudoPassword = serializers.CharField(
        max_length=MAX_SECRET,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="For sudo, where it is not the password.",
    )
    hostKey = serializers.CharField(max_length=100, required=False, allow_blank=True, help_text=HELP_KEY)
    installDocker = serializers.BooleanField(
        required=False, help_text="Install Docker and Compose where they are missing: Debian and Ubuntu."
    )
    keepLogin = serializers.BooleanField(required=False, help_text="Keep the login, sealed, for the next time.")
    replace = serializers.BooleanField(required=False, help_text="Also while the server's agent is connected.")
    gatewayUrl = serializers.CharField(
        max_length=300, required=False, help_text="The gateway as the server reaches it. Default: this address's host."
    )


class HostKeyIn(RequestSchema):
    hostKey = serializers.CharField(max_length=100, help_text="The fingerprint that was shown.")


class InstallationStepOut(ResponseSchema):
    step = serializers.ChoiceField(choices=[str(each) for each in Step])
    state = serializers.ChoiceField(choices=[str(each) for each in StepState])
    message = serializers.CharField()
    startedAt = Timestamp()
    endedAt = Timestamp()


class InstallationOut(ResponseSchema):
    """A wish that an agent is installed or removed, and how far it got."""

    id = serializers.UUIDField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    action = serializers.ChoiceField(choices=[str(each) for each in InstallationAction])
    state = serializers.ChoiceField(
        choices=[str(each) for each in InstallationState],
        help_text="confirming: a person has to say that the host key is the server's.",
    )
    host = serializers.CharField()
    port = serializers.IntegerField()
    username = serializers.CharField()
    offeredKey = serializers.CharField(help_text="The fingerprint to confirm; empty when there is none.")
    attempt = serializers.IntegerField()
    number = serializers.IntegerField(help_text="Rises with every change.")
    message = serializers.CharField()
    cancelRequestedAt = Timestamp()
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    endedAt = Timestamp()
    steps = InstallationStepOut(many=True)


class ServerAccessOut(ResponseSchema):
    """How the server is reached by SSH."""

    host = serializers.CharField()
    port = serializers.IntegerField()
    username = serializers.CharField()
    hostKey = serializers.CharField(help_text="The fingerprint by which the server is known.")
    pinnedBy = serializers.CharField()
    pinnedAt = Timestamp()
    hasLogin = serializers.BooleanField(help_text="Whether a login is kept for the next time.")
