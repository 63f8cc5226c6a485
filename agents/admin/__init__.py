"""The admin of servers, agents and commands. Importing this registers the pages."""

from __future__ import annotations

from agents.admin import command_pages, pages

__all__ = ("command_pages", "pages")
