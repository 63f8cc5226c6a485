"""What people write as `runtime`, and which of our runtimes it means."""

from __future__ import annotations

RUNTIMES = {
    "python": "python",
    "py": "python",
    "node": "node",
    "nodejs": "node",
    "javascript": "node",
    "typescript": "node",
    "bun": "bun",
    "go": "go",
    "golang": "go",
    "rust": "rust",
    "java": "java",
    "static": "static",
    "docker": "dockerfile",
    "dockerfile": "dockerfile",
}
