"""The admin: what operators see and do. Importing this registers the pages."""

from __future__ import annotations

from deployments.admin import deployments, machines, members, projects
from deployments.admin.accounts import closed_pages, enrolments, tokens, users

__all__ = ["closed_pages", "deployments", "enrolments", "machines", "members", "projects", "tokens", "users"]
