"""REST routes."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from deployments.api.adoption.adoption_endpoints import AdoptContainers, ServerContainers
from deployments.api.endpoints.action_endpoints import (
    Plan,
    RestartService,
    RollbackDeployment,
    RollbackPlan,
    ScaleService,
    StopProject,
)
from deployments.api.endpoints.agent_endpoints import Agent, Agents
from deployments.api.endpoints.clusters.builder_endpoints import ClusterBuilder
from deployments.api.endpoints.clusters.cluster_endpoints import (
    AdoptSwarm,
    ClusterNode,
    ClusterSwarm,
    FormCluster,
    JoinCluster,
    RotateJoinTokens,
)
from deployments.api.endpoints.compose_endpoints import ProjectCompose, ProjectFile
from deployments.api.endpoints.deletion_endpoints import ProjectDeletion
from deployments.api.endpoints.deployment_endpoints import (
    CancelDeployment,
    Deployment,
    DeploymentEvents,
    Deployments,
    DeploymentStatus,
)
from deployments.api.endpoints.fleet.update_endpoints import AgentUpdate, AgentUpdates, CancelAgentUpdate
from deployments.api.endpoints.grant_endpoints import (
    ProjectTargetDetail,
    ProjectTargets,
    ServerProject,
    ServerProjects,
    StopOnServer,
)
from deployments.api.endpoints.graph_endpoints import (
    NodeCode,
    ProjectCode,
    ProjectGraph,
    ProjectGraphs,
    ProjectGraphVersion,
)
from deployments.api.endpoints.history_endpoints import History, HistoryDiff, Lanes
from deployments.api.endpoints.installation_endpoints import (
    CancelInstallation,
    ConfirmHostKey,
    Installation,
    Installations,
    SshAccess,
)
from deployments.api.endpoints.job_endpoints import JobRunDetail, JobRuns, ProjectJobs, StopJobRun
from deployments.api.endpoints.log_endpoints import ProjectLogs
from deployments.api.endpoints.machine_endpoints import (
    Cluster,
    Clusters,
    EnrolmentToken,
    EnrolmentTokens,
    Server,
    Servers,
)
from deployments.api.endpoints.member_endpoints import (
    AcceptInvitation,
    InvitationDetail,
    Invitations,
    ProjectMember,
    ProjectMembers,
)
from deployments.api.endpoints.project_endpoints import Project, Projects
from deployments.api.endpoints.repair_endpoints import LeaveDifference, Repair, RepairPlan
from deployments.api.endpoints.search_endpoints import Search
from deployments.api.endpoints.token_endpoints import Token, Tokens
from deployments.api.endpoints.usage_endpoints import ProjectUsage, ServerUsage
from deployments.api.endpoints.variable_endpoints import ProjectVariables, VariableChanges, VariablesFile
from deployments.api.endpoints.volume_endpoints import (
    DeleteProjectVolume,
    DeleteServerVolume,
    ProjectVolumes,
    ServerVolumes,
)
from deployments.api.ends.machine_deletion_endpoints import ClusterDeletion, ServerDeletion
from deployments.api.error_handlers import UnknownAddress
from deployments.api.images.registry_endpoints import ClusterRegistry, Registries, Registry, RegistryTest
from deployments.api.observation.incident_endpoints import AcknowledgeIncident, Incident, Incidents, MuteIncident
from deployments.api.observation.notification_endpoints import (
    MuteChannel,
    MuteProject,
    NotificationChannel,
    NotificationChannels,
    NotificationDeliveries,
    RepeatDelivery,
    TestChannel,
)
from deployments.api.observation.reach_endpoints import ReachCheckDetail, ReachChecks
from deployments.api.observation.stack_endpoints import StackEvents, Stacks
from deployments.api.teams.audit_endpoints import ClusterAudit, PersonAudit, ProjectAudit, ServerAudit
from deployments.api.teams.people_endpoints import Group, Groups, PasswordLink, People, Person, PersonDeletion
from deployments.api.teams.team_endpoints import (
    JoinProject,
    ProjectGroup,
    ProjectGroups,
    ProjectLink,
    ProjectLinks,
    ProjectOwner,
)

# The document and the page to try it say nothing of anybody's rows.
OPEN: dict[str, tuple[()]] = {"authentication_classes": (), "permission_classes": ()}

urlpatterns: list[URLPattern] = [
    path("deployments", Deployments.as_view(), name="api-deployments"),
    path("deployments/<uuid:deployment_id>", Deployment.as_view(), name="api-deployment"),
    path("deployments/<uuid:deployment_id>/status", DeploymentStatus.as_view(), name="api-deployment-status"),
    path("deployments/<uuid:deployment_id>/events", DeploymentEvents.as_view(), name="api-deployment-events"),
    path("deployments/<uuid:deployment_id>/cancel", CancelDeployment.as_view(), name="api-deployment-cancel"),
    path("deployments/<uuid:deployment_id>/rollback", RollbackDeployment.as_view(), name="api-deployment-rollback"),
    path("deployments/<uuid:deployment_id>/rollback/plan", RollbackPlan.as_view(), name="api-rollback-plan"),
    path("history/<uuid:history_id>/diff", HistoryDiff.as_view(), name="api-history-diff"),
    path("projects", Projects.as_view(), name="api-projects"),
    path("projects/<uuid:project_id>", Project.as_view(), name="api-project"),
    path("projects/<uuid:project_id>/graph", ProjectGraph.as_view(), name="api-project-graph"),
    path("projects/<uuid:project_id>/compose", ProjectCompose.as_view(), name="api-project-compose"),
    path("projects/<uuid:project_id>/file", ProjectFile.as_view(), name="api-project-file"),
    path("projects/<uuid:project_id>/plan", Plan.as_view(), name="api-project-plan"),
    path("projects/<uuid:project_id>/stop", StopProject.as_view(), name="api-project-stop"),
    path("projects/<uuid:project_id>/scale", ScaleService.as_view(), name="api-project-scale"),
    path("projects/<uuid:project_id>/restart", RestartService.as_view(), name="api-project-restart"),
    path("projects/<uuid:project_id>/repair", Repair.as_view(), name="api-project-repair"),
    path("projects/<uuid:project_id>/repair/plan", RepairPlan.as_view(), name="api-repair-plan"),
    path("projects/<uuid:project_id>/repair/leave", LeaveDifference.as_view(), name="api-repair-leave"),
    path("projects/<uuid:project_id>/history", History.as_view(), name="api-project-history"),
    path("projects/<uuid:project_id>/lanes", Lanes.as_view(), name="api-project-lanes"),
    path("projects/<uuid:project_id>/lanes/<uuid:server_id>/events", StackEvents.as_view(), name="api-stack-events"),
    path("projects/<uuid:project_id>/logs", ProjectLogs.as_view(), name="api-project-logs"),
    path("projects/<uuid:project_id>/graphs", ProjectGraphs.as_view(), name="api-project-graphs"),
    path("projects/<uuid:project_id>/graphs/<int:version>", ProjectGraphVersion.as_view(), name="api-graph-version"),
    path("projects/<uuid:project_id>/code", ProjectCode.as_view(), name="api-project-code"),
    path("projects/<uuid:project_id>/code/<str:node_id>", NodeCode.as_view(), name="api-node-code"),
    path("projects/<uuid:project_id>/deletion", ProjectDeletion.as_view(), name="api-project-deletion"),
    path("projects/<uuid:project_id>/usage", ProjectUsage.as_view(), name="api-project-usage"),
    path("projects/<uuid:project_id>/jobs", ProjectJobs.as_view(), name="api-project-jobs"),
    path("projects/<uuid:project_id>/job-runs", JobRuns.as_view(), name="api-job-runs"),
    path("projects/<uuid:project_id>/job-runs/<uuid:run_id>", JobRunDetail.as_view(), name="api-job-run"),
    path("projects/<uuid:project_id>/job-runs/<uuid:run_id>/stop", StopJobRun.as_view(), name="api-job-run-stop"),
    path("projects/<uuid:project_id>/reach", ReachChecks.as_view(), name="api-reach-checks"),
    path("projects/<uuid:project_id>/reach/<uuid:check_id>", ReachCheckDetail.as_view(), name="api-reach-check"),
    path("projects/<uuid:project_id>/volumes", ProjectVolumes.as_view(), name="api-project-volumes"),
    path("projects/<uuid:project_id>/volumes/delete", DeleteProjectVolume.as_view(), name="api-project-volume-delete"),
    path("projects/<uuid:project_id>/members", ProjectMembers.as_view(), name="api-project-members"),
    path("projects/<uuid:project_id>/members/<str:name>", ProjectMember.as_view(), name="api-project-member"),
    path("projects/<uuid:project_id>/targets", ProjectTargets.as_view(), name="api-project-targets"),
    path("projects/<uuid:project_id>/groups", ProjectGroups.as_view(), name="api-project-groups"),
    path("projects/<uuid:project_id>/groups/<str:name>", ProjectGroup.as_view(), name="api-project-group"),
    path("projects/<uuid:project_id>/owner", ProjectOwner.as_view(), name="api-project-owner"),
    path("projects/<uuid:project_id>/links", ProjectLinks.as_view(), name="api-project-links"),
    path("projects/<uuid:project_id>/links/<uuid:link_id>", ProjectLink.as_view(), name="api-project-link"),
    path("projects/<uuid:project_id>/audit", ProjectAudit.as_view(), name="api-project-audit"),
    path("servers/<uuid:server_id>/audit", ServerAudit.as_view(), name="api-server-audit"),
    path("clusters/<uuid:cluster_id>/audit", ClusterAudit.as_view(), name="api-cluster-audit"),
    path("people", People.as_view(), name="api-people"),
    path("people/<uuid:person_id>", Person.as_view(), name="api-person"),
    path("people/<uuid:person_id>/password-link", PasswordLink.as_view(), name="api-password-link"),
    path("people/<uuid:person_id>/deletion", PersonDeletion.as_view(), name="api-person-deletion"),
    path("groups", Groups.as_view(), name="api-groups"),
    path("groups/<uuid:group_id>", Group.as_view(), name="api-group"),
    path("people/<uuid:person_id>/audit", PersonAudit.as_view(), name="api-person-audit"),
    path("join", JoinProject.as_view(), name="api-join"),
    path(
        "projects/<uuid:project_id>/targets/<uuid:server_id>", ProjectTargetDetail.as_view(), name="api-project-target"
    ),
    path("search", Search.as_view(), name="api-search"),
    path("stacks", Stacks.as_view(), name="api-stacks"),
    path("projects/<uuid:project_id>/variables", ProjectVariables.as_view(), name="api-project-variables"),
    path("projects/<uuid:project_id>/variables/file", VariablesFile.as_view(), name="api-variables-file"),
    path("projects/<uuid:project_id>/variables/changes", VariableChanges.as_view(), name="api-variable-changes"),
    path("incidents", Incidents.as_view(), name="api-incidents"),
    path("incidents/<uuid:incident_id>", Incident.as_view(), name="api-incident"),
    path("incidents/<uuid:incident_id>/acknowledge", AcknowledgeIncident.as_view(), name="api-incident-acknowledge"),
    path("incidents/<uuid:incident_id>/mute", MuteIncident.as_view(), name="api-incident-mute"),
    path("notification-channels", NotificationChannels.as_view(), name="api-channels"),
    path("notification-channels/<uuid:channel_id>", NotificationChannel.as_view(), name="api-channel"),
    path("notification-channels/<uuid:channel_id>/test", TestChannel.as_view(), name="api-channel-test"),
    path("notification-channels/<uuid:channel_id>/mute", MuteChannel.as_view(), name="api-channel-mute"),
    path("projects/<uuid:project_id>/mute", MuteProject.as_view(), name="api-project-mute"),
    path("notification-channels/<uuid:channel_id>/deliveries", NotificationDeliveries.as_view(), name="api-deliveries"),
    path("notification-deliveries/<uuid:delivery_id>/repeat", RepeatDelivery.as_view(), name="api-delivery-repeat"),
    path("invitations", Invitations.as_view(), name="api-invitations"),
    path("invitations/<uuid:invitation_id>", InvitationDetail.as_view(), name="api-invitation"),
    path("invitations/<uuid:invitation_id>/accept", AcceptInvitation.as_view(), name="api-invitation-accept"),
    path("clusters", Clusters.as_view(), name="api-clusters"),
    path("clusters/<uuid:cluster_id>", Cluster.as_view(), name="api-cluster"),
    path("clusters/<uuid:cluster_id>/registry", ClusterRegistry.as_view(), name="api-cluster-registry"),
    path("registries", Registries.as_view(), name="api-registries"),
    path("clusters/<uuid:cluster_id>/builder", ClusterBuilder.as_view(), name="api-cluster-builder"),
    path("registries/<uuid:registry_id>/test", RegistryTest.as_view(), name="api-registry-test"),
    path("registries/<uuid:registry_id>", Registry.as_view(), name="api-registry"),
    path("clusters/<uuid:cluster_id>/swarm", ClusterSwarm.as_view(), name="api-cluster-swarm"),
    path("clusters/<uuid:cluster_id>/swarm/form", FormCluster.as_view(), name="api-cluster-form"),
    path("clusters/<uuid:cluster_id>/swarm/adopt", AdoptSwarm.as_view(), name="api-cluster-adopt"),
    path("clusters/<uuid:cluster_id>/swarm/join", JoinCluster.as_view(), name="api-cluster-join"),
    path("clusters/<uuid:cluster_id>/swarm/rotate-tokens", RotateJoinTokens.as_view(), name="api-cluster-tokens"),
    path("clusters/<uuid:cluster_id>/swarm/nodes/<str:node_id>", ClusterNode.as_view(), name="api-cluster-node"),
    path("servers", Servers.as_view(), name="api-servers"),
    path("servers/<uuid:server_id>/deletion", ServerDeletion.as_view(), name="api-server-deletion"),
    path("clusters/<uuid:cluster_id>/deletion", ClusterDeletion.as_view(), name="api-cluster-deletion"),
    path("servers/<uuid:server_id>", Server.as_view(), name="api-server"),
    path("servers/<uuid:server_id>/enrolment-tokens", EnrolmentTokens.as_view(), name="api-enrolment-tokens"),
    path("servers/<uuid:server_id>/installations", Installations.as_view(), name="api-installations"),
    path("servers/<uuid:server_id>/ssh-access", SshAccess.as_view(), name="api-ssh-access"),
    path("installations/<uuid:installation_id>", Installation.as_view(), name="api-installation"),
    path("installations/<uuid:installation_id>/confirm", ConfirmHostKey.as_view(), name="api-confirm-host-key"),
    path("installations/<uuid:installation_id>/cancel", CancelInstallation.as_view(), name="api-cancel-installation"),
    path("servers/<uuid:server_id>/usage", ServerUsage.as_view(), name="api-server-usage"),
    path("servers/<uuid:server_id>/containers", ServerContainers.as_view(), name="api-server-containers"),
    path("servers/<uuid:server_id>/containers/adopt", AdoptContainers.as_view(), name="api-server-containers-adopt"),
    path("servers/<uuid:server_id>/volumes", ServerVolumes.as_view(), name="api-server-volumes"),
    path("servers/<uuid:server_id>/volumes/delete", DeleteServerVolume.as_view(), name="api-server-volume-delete"),
    path("servers/<uuid:server_id>/projects", ServerProjects.as_view(), name="api-server-projects"),
    path("servers/<uuid:server_id>/projects/<uuid:project_id>", ServerProject.as_view(), name="api-server-project"),
    path("servers/<uuid:server_id>/projects/<uuid:project_id>/stop", StopOnServer.as_view(), name="api-server-stop"),
    path(
        "servers/<uuid:server_id>/enrolment-tokens/<uuid:token_id>",
        EnrolmentToken.as_view(),
        name="api-enrolment-token",
    ),
    path("agents", Agents.as_view(), name="api-agents"),
    path("agents/updates", AgentUpdates.as_view(), name="api-agent-updates"),
    path("agents/updates/<uuid:rollout_id>", AgentUpdate.as_view(), name="api-agent-update"),
    path("agents/updates/<uuid:rollout_id>/cancel", CancelAgentUpdate.as_view(), name="api-agent-update-cancel"),
    path("agents/<uuid:agent_id>", Agent.as_view(), name="api-agent"),
    path("tokens", Tokens.as_view(), name="api-tokens"),
    path("tokens/<uuid:token_id>", Token.as_view(), name="api-token"),
    path("schema/", SpectacularJSONAPIView.as_view(**OPEN), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema", **OPEN), name="api-docs"),
    re_path(r"", UnknownAddress.as_view(), name="api-nothing"),
]
