"""The admin: what operators see and do. Importing this registers the pages."""

from deployments.admin import deployments, enrolments, machines, members, others, projects, tokens, users

__all__ = ["deployments", "enrolments", "machines", "members", "others", "projects", "tokens", "users"]
