"""The admin: what operators see and do. Importing this registers the pages."""

from __future__ import annotations

from deployments.admin import deployments, machines, members, projects, site
from deployments.admin.accounts import enrolments, tokens

__all__ = ["deployments", "enrolments", "machines", "members", "projects", "site", "tokens"]
