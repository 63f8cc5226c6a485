"""What requests and answers on volumes hold, for the OpenAPI document. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp, string_list
from deployments.data.end_types import DeletionState, MachineEnd, VolumeDeletionState, VolumeState

MAX_VOLUME_NAME = 255
HELP_NAME = "The volume's whole name, as Docker has it. Its data goes with it."


class ServerVolumeIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_VOLUME_NAME, trim_whitespace=False, help_text=HELP_NAME)


class ProjectVolumeIn(ServerVolumeIn):
    serverId = serializers.UUIDField()


class VolumeOut(ResponseSchema):
    """A volume as its server's agent saw it last."""

    name = serializers.CharField()
    state = serializers.ChoiceField(
        choices=[str(each) for each in VolumeState],
        help_text="used: a container has it; kept: nothing has it, the project still names it; orphaned: neither.",
    )
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    projectId = serializers.UUIDField(allow_null=True)
    projectName = serializers.CharField()
    sizeBytes = serializers.IntegerField(allow_null=True, help_text="Null where Docker did not tell in time.")
    createdAt = Timestamp()
    usedBy = string_list()
    versions = serializers.ListField(
        child=serializers.IntegerField(), help_text="Kept versions that name it: brought back, they begin without data."
    )
    seenAt = Timestamp()
    unknown = serializers.CharField(help_text="Why nobody can know whether this is still so; empty when it is known.")
    deleting = serializers.BooleanField()


class VolumeDeletionOut(ResponseSchema):
    """Who had a volume deleted, and what became of it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    projectName = serializers.CharField()
    serverName = serializers.CharField()
    sizeBytes = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=[str(each) for each in VolumeDeletionState])
    message = serializers.CharField()
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    endedAt = Timestamp()


class ProjectDeletionIn(RequestSchema):
    name = serializers.CharField(max_length=100, trim_whitespace=False, help_text="The project's whole name.")
    deleteVolumes = serializers.BooleanField(required=False, default=False, help_text="Its data goes, too.")


class ProjectDeletionOut(ResponseSchema):
    """How far the deletion of a project is, and who asked for it."""

    projectId = serializers.UUIDField()
    name = serializers.CharField()
    deleteVolumes = serializers.BooleanField()
    state = serializers.ChoiceField(choices=[str(each) for each in DeletionState])
    message = serializers.CharField(help_text="What it waits for, or why it cannot go on by itself.")
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    endedAt = Timestamp()


class MachineDeletionIn(RequestSchema):
    name = serializers.CharField(max_length=100, trim_whitespace=False, help_text="The whole name.")
    end = serializers.ChoiceField(
        choices=[str(each) for each in MachineEnd],
        help_text="forget: at once, what runs there runs on; drain: a server, what runs there is stopped first; "
        "uninstall: drained, and its agent removed by SSH; dissolve: a cluster, stopped, and its Swarm ended.",
    )


class MachineDeletionOut(ResponseSchema):
    """How far the deletion of a server or cluster is, and who asked for it."""

    machineId = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["server", "cluster"])
    name = serializers.CharField()
    end = serializers.ChoiceField(choices=[str(each) for each in MachineEnd])
    state = serializers.ChoiceField(choices=[str(each) for each in DeletionState])
    message = serializers.CharField(help_text="What it waits for, or why it cannot go on by itself.")
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    endedAt = Timestamp()


class EndOptionOut(ResponseSchema):
    """One way in which it can go, and what follows from that."""

    end = serializers.ChoiceField(choices=[str(each) for each in MachineEnd])
    whyNot = serializers.CharField(help_text="Why it is not possible now; empty when it is.")
    follows = string_list()
