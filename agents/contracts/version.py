"""The version of control plane and agent: pyproject.toml and CHANGELOG.md say the same."""

from __future__ import annotations

VERSION = "0.2.0"
