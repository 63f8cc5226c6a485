"""The admin: what operators see and do. Importing this registers the pages."""

from deployments.admin import deployments, projects, users

__all__ = ["deployments", "projects", "users"]
