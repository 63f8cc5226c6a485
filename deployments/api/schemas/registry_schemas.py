"""What requests and answers on registries hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import MAX_NAME_LENGTH, RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp
from deployments.data.registry_types import CheckState
from deployments.rules.registry_rules import ADDRESS_WORDS, MAX_CERTIFICATE, MAX_NAMESPACE, MAX_PASSWORD, MAX_USERNAME

MAX_ADDRESS_LENGTH = 300
STATES = [str(state) for state in CheckState]


class RegistriesQuery(RequestSchema):
    projectId = serializers.UUIDField(required=False, help_text="Of this project alone.")


class RegistryChangeIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, required=False)
    username = serializers.CharField(
        max_length=MAX_USERNAME, required=False, allow_blank=True, help_text="Empty for a registry that asks nobody."
    )
    password = serializers.CharField(
        max_length=MAX_PASSWORD,
        required=False,
        trim_whitespace=False,
        help_text="A password or token. Secret: it is never shown again.",
    )
    caCertificate = serializers.CharField(
        max_length=MAX_CERTIFICATE,
        required=False,
        allow_blank=True,
        help_text="Authorities in PEM that signed the registry's certificate, where servers do not know them.",
    )

    namespace = serializers.CharField(
        max_length=MAX_NAMESPACE, required=False, help_text="What stands before the names of images that are pushed."
    )


class RegistryIn(RegistryChangeIn):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    address = serializers.CharField(max_length=MAX_ADDRESS_LENGTH, help_text=f"{ADDRESS_WORDS}.")
    projectId = serializers.UUIDField(required=False, allow_null=True, help_text="Whose it is; else it is your own.")
    everybody = serializers.BooleanField(
        required=False, help_text="For all projects of the installation; for administrators."
    )


class ClusterRegistryIn(RequestSchema):
    registryId = serializers.UUIDField(
        allow_null=True, help_text="One of your own, or null for the installation's registry."
    )


class RegistryTestIn(RequestSchema):
    serverId = serializers.UUIDField(help_text="The server whose agent tries it, and is handed the login for that.")


class RegistryTestOut(ResponseSchema):
    state = serializers.ChoiceField(
        choices=[each for each in STATES if each], allow_blank=True, help_text="Empty: never tested."
    )
    message = serializers.CharField(allow_blank=True)
    serverName = serializers.CharField(allow_blank=True)
    at = Timestamp()


class RegistryOut(ResponseSchema):
    id = serializers.UUIDField()
    name = serializers.CharField()
    address = serializers.CharField()
    namespace = serializers.CharField()
    username = serializers.CharField(allow_blank=True)
    caCertificate = serializers.CharField(allow_blank=True)
    projectId = serializers.CharField(help_text="Empty for one of your own or of the installation.")
    projectName = serializers.CharField(allow_blank=True)
    everybody = serializers.BooleanField()
    createdAt = Timestamp()
    changedAt = Timestamp()
    test = RegistryTestOut()
