"""REST for the end of a server or cluster: the ways, what follows from each, and how far it is."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.end_schemas import EndOptionOut, MachineDeletionIn, MachineDeletionOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.end_types import DeletionState, EndOption, MachineDeletionRecord, MachineEnd
from deployments.event_types import epoch_ms
from deployments.services.ends import machine_deletion, machine_ends
from deployments.types import Caller, Target, TargetKind

TAG = "machines"
Begun = enveloped_data("MachineDeletionAnswer", deletion=MachineDeletionOut())
Ways = enveloped_data("MachineEndsAnswer", deletion=MachineDeletionOut(allow_null=True), ways=EndOptionOut(many=True))


class MachineDeletion:
    """What the doors of servers and of clusters share."""

    kind: ClassVar[TargetKind]
    caller: Caller

    def look(self, machine_id: UUID) -> Response:
        """Return how far it is; before it is gone, also the ways and what follows from each."""
        found = machine_deletion.deletion_of(caller=self.caller, machine_id=machine_id)
        gone = found is not None and found.state is DeletionState.DELETED
        target = Target(kind=self.kind, id=machine_id)
        ways = () if gone else machine_ends.options_of(caller=self.caller, target=target)
        deletion = None if found is None else machine_deletion_shape(found)
        return success({"data": {"deletion": deletion, "ways": [option_shape(way) for way in ways]}})

    def begin(self, request: Request, machine_id: UUID) -> Response:
        body = validated(MachineDeletionIn, request.data)
        begun = machine_deletion.delete_machine(
            caller=self.caller,
            target=Target(kind=self.kind, id=machine_id),
            typed_name=body["name"],
            end=MachineEnd(body["end"]),
        )
        return success({"data": {"deletion": machine_deletion_shape(begun)}}, status=202)

    def cancel(self, machine_id: UUID) -> Response:
        machine_deletion.cancel_deletion(caller=self.caller, target=Target(kind=self.kind, id=machine_id))
        return Response(status=204)


class ServerDeletion(MachineDeletion, BaseView):
    kind = TargetKind.SERVER

    @documented(
        "getServerDeletion",
        "Get in which ways the server can be deleted, what follows from each, and how far its deletion is",
        tag=TAG,
        answers={200: Ways},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        return self.look(server_id)

    @documented(
        "beginServerDeletion",
        "Delete the server by its name: forget it, or stop what runs there first and remove its agent if wanted",
        tag=TAG,
        takes=MachineDeletionIn,
        answers={202: Begun},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, server_id: UUID) -> Response:
        return self.begin(request, server_id)

    @documented(
        "cancelServerDeletion",
        "Keep a server that has not gone yet; what was stopped or removed stays so",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, server_id: UUID) -> Response:
        return self.cancel(server_id)


class ClusterDeletion(MachineDeletion, BaseView):
    kind = TargetKind.CLUSTER

    @documented(
        "getClusterDeletion",
        "Get in which ways the cluster can be deleted, what follows from each, and how far its deletion is",
        tag=TAG,
        answers={200: Ways},
    )
    def get(self, request: Request, cluster_id: UUID) -> Response:
        return self.look(cluster_id)

    @documented(
        "beginClusterDeletion",
        "Delete the cluster by its name: forget it, or stop what runs there and end its Swarm; its servers are kept",
        tag=TAG,
        takes=MachineDeletionIn,
        answers={202: Begun},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, cluster_id: UUID) -> Response:
        return self.begin(request, cluster_id)

    @documented(
        "cancelClusterDeletion",
        "Keep a cluster that has not gone yet; what was stopped or has left stays so",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, cluster_id: UUID) -> Response:
        return self.cancel(cluster_id)


def machine_deletion_shape(deletion: MachineDeletionRecord) -> dict[str, Any]:
    return {
        "machineId": str(deletion.machine_id),
        "kind": deletion.kind,
        "name": deletion.name,
        "end": str(deletion.end),
        "state": str(deletion.state),
        "message": deletion.message,
        "requestedBy": deletion.requested_by,
        "requestedAt": epoch_ms(deletion.requested_at),
        "endedAt": epoch_ms(deletion.ended_at),
    }


def option_shape(option: EndOption) -> dict[str, Any]:
    return {"end": str(option.end), "whyNot": option.why_not, "follows": list(option.follows)}
