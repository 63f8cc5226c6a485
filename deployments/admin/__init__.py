"""The admin: what operators see and do. Importing this registers the pages."""

from __future__ import annotations

from deployments.admin import deployment_admin, machine_admin, member_admin, project_admin, registry_admin, site
from deployments.admin.accounts import enrolments, token_admin
from deployments.admin.fleet import command_admin
from deployments.admin.observation import channel_admin, incident_admin
from deployments.admin.teams import group_admin, person_admin

__all__ = [
    "channel_admin",
    "command_admin",
    "deployment_admin",
    "enrolments",
    "group_admin",
    "incident_admin",
    "machine_admin",
    "member_admin",
    "person_admin",
    "project_admin",
    "registry_admin",
    "site",
    "token_admin",
]
