"""Tables of the domain: fields, constraints, indexes, no behaviour. Reached through repositories and the admin only."""

from __future__ import annotations

from deployments.models.adoption import Adoption
from deployments.models.bookkeeping import DeploymentCount, RemovedMachine, RequestKey
from deployments.models.cluster import ClusterChange
from deployments.models.deployment import Deployment, DeploymentEvent, DeploymentHistory
from deployments.models.drift import StackDrift
from deployments.models.ends import MachineDeletion, ObservedVolumes, ProjectDeletion, VolumeDeletion
from deployments.models.grant import TargetGrant
from deployments.models.incident import Incident, StackEvent, StackState
from deployments.models.installation import AgentInstallation, InstallationStep, ServerAccess
from deployments.models.job_run import JobRun
from deployments.models.notification import NotificationChannel, NotificationDelivery
from deployments.models.observation import MemoryKill, ObservedHost, ObservedStack, ObservedSwarm
from deployments.models.project import (
    CodeBundle,
    GraphVersion,
    NodeCode,
    Project,
    ProjectInvitation,
    ProjectMember,
    ProjectSecret,
)
from deployments.models.reach import ReachCheck
from deployments.models.registry import ClusterRegistry, Registry
from deployments.models.team import AccessLink, AuditEntry, GroupPerson, PeopleGroup, ProjectGroup
from deployments.models.token import ApiToken
from deployments.models.user import User
from deployments.models.variable import ProjectVariable, VariableChange

__all__ = [
    "AccessLink",
    "Adoption",
    "AgentInstallation",
    "ApiToken",
    "AuditEntry",
    "ClusterChange",
    "ClusterRegistry",
    "CodeBundle",
    "Deployment",
    "DeploymentCount",
    "DeploymentEvent",
    "DeploymentHistory",
    "GraphVersion",
    "GroupPerson",
    "Incident",
    "InstallationStep",
    "JobRun",
    "MachineDeletion",
    "MemoryKill",
    "NodeCode",
    "NotificationChannel",
    "NotificationDelivery",
    "ObservedHost",
    "ObservedStack",
    "ObservedSwarm",
    "ObservedVolumes",
    "PeopleGroup",
    "Project",
    "ProjectDeletion",
    "ProjectGroup",
    "ProjectInvitation",
    "ProjectMember",
    "ProjectSecret",
    "ProjectVariable",
    "ReachCheck",
    "Registry",
    "RemovedMachine",
    "RequestKey",
    "ServerAccess",
    "StackDrift",
    "StackEvent",
    "StackState",
    "TargetGrant",
    "User",
    "VariableChange",
    "VolumeDeletion",
]
