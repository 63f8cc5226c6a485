"""Bodies and answers about roles, links and the audit log. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp, string_list
from deployments.roles import GIVEN

ROLES = [role.value for role in GIVEN]
MAX_LINK = 100


class RoleIn(RequestSchema):
    role = serializers.ChoiceField(
        choices=ROLES, help_text="viewer, deployer, editor, approver: each may do what those before it may."
    )


class OwnerIn(RequestSchema):
    user = serializers.CharField(max_length=150, help_text="The name of a member.")


class JoinIn(RequestSchema):
    link = serializers.CharField(max_length=MAX_LINK, help_text="The last part of the link's address.")


class GroupRoleOut(ResponseSchema):
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLES)
    people = string_list(help_text="User names.")


class LinkOut(ResponseSchema):
    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=ROLES)
    createdBy = serializers.CharField()
    createdAt = Timestamp()
    expiresAt = Timestamp()


class NewLinkOut(LinkOut):
    link = serializers.CharField(help_text="What the address ends with. Shown this once.")
    address = serializers.URLField()


class JoinedOut(ResponseSchema):
    projectId = serializers.UUIDField()
    projectName = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLES)


class AuditEntryOut(ResponseSchema):
    id = serializers.IntegerField()
    at = Timestamp()
    actorId = serializers.UUIDField()
    actor = serializers.CharField()
    action = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    projectId = serializers.UUIDField(allow_null=True)
    serverId = serializers.UUIDField(allow_null=True)
    personId = serializers.UUIDField(allow_null=True)


class PersonIn(RequestSchema):
    name = serializers.CharField(max_length=150, help_text="The user name. Letters, digits and @ . + - _")
    email = serializers.CharField(max_length=254, required=False, allow_blank=True, default="")
    administrator = serializers.BooleanField(required=False, default=False, help_text="Sees and manages everything.")


class PersonChangeIn(RequestSchema):
    """What is not given stays."""

    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    active = serializers.BooleanField(required=False, help_text="False: signed out at once, API tokens end.")
    administrator = serializers.BooleanField(required=False)


class PersonOut(ResponseSchema):
    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.CharField(allow_blank=True)
    active = serializers.BooleanField()
    administrator = serializers.BooleanField()
    joinedAt = Timestamp()
    lastLoginAt = Timestamp()


class PasswordLinkOut(ResponseSchema):
    """With it the person chooses a password, once. Shown this once."""

    address = serializers.URLField()
    expiresAt = Timestamp()


class OwnedOut(ResponseSchema):
    """What a person owns, by name, and somebody else has to take over."""

    projects = string_list()
    servers = string_list()
    clusters = string_list()


class PersonDeletionIn(RequestSchema):
    name = serializers.CharField(max_length=150, trim_whitespace=False, help_text="The whole user name.")
    heir = serializers.CharField(
        max_length=150, required=False, allow_blank=True, default="", help_text="Who takes over what the person owns."
    )


class GroupIn(RequestSchema):
    name = serializers.CharField(max_length=100)
    people = serializers.ListField(
        child=serializers.CharField(max_length=150), max_length=1000, help_text="User names; all of them."
    )


class GroupOut(ResponseSchema):
    id = serializers.UUIDField()
    name = serializers.CharField()
    people = string_list(help_text="User names.")
