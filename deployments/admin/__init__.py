"""The admin: what operators see and do. Importing this registers the pages."""

from deployments.admin import deployments, members, others, projects, tokens, users

__all__ = ["deployments", "members", "others", "projects", "tokens", "users"]
