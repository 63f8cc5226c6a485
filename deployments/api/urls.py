"""REST routes."""

from django.urls import URLPattern, path, re_path

from deployments.api.deployments import CancelDeployment, Deployment, DeploymentEvents, Deployments, DeploymentStatus
from deployments.api.machines import Clusters, EnrolmentTokens, Servers
from deployments.api.missing import NothingThere
from deployments.api.projects import NodeCode, Project, ProjectGraph, Projects
from deployments.api.tokens import Tokens

urlpatterns: list[URLPattern] = [
    path("deployments", Deployments.as_view(), name="api-deployments"),
    path("deployments/<uuid:deployment_id>", Deployment.as_view(), name="api-deployment"),
    path("deployments/<uuid:deployment_id>/status", DeploymentStatus.as_view(), name="api-deployment-status"),
    path("deployments/<uuid:deployment_id>/events", DeploymentEvents.as_view(), name="api-deployment-events"),
    path("deployments/<uuid:deployment_id>/cancel", CancelDeployment.as_view(), name="api-deployment-cancel"),
    path("projects", Projects.as_view(), name="api-projects"),
    path("projects/<uuid:project_id>", Project.as_view(), name="api-project"),
    path("projects/<uuid:project_id>/graph", ProjectGraph.as_view(), name="api-project-graph"),
    path("projects/<uuid:project_id>/code/<str:node_id>", NodeCode.as_view(), name="api-node-code"),
    path("clusters", Clusters.as_view(), name="api-clusters"),
    path("servers", Servers.as_view(), name="api-servers"),
    path("servers/<uuid:server_id>/enrolment-tokens", EnrolmentTokens.as_view(), name="api-enrolment-tokens"),
    path("tokens", Tokens.as_view(), name="api-tokens"),
    re_path(r"", NothingThere.as_view(), name="api-nothing"),
]
