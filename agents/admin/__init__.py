"""The admin of servers, agents and commands. Importing this registers the pages."""

from __future__ import annotations

from agents.admin import pages

__all__ = ("pages",)
