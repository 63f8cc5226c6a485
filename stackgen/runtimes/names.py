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
    "php": "php",
    "laravel": "php",
    "ruby": "ruby",
    "rails": "ruby",
    "dotnet": "dotnet",
    ".net": "dotnet",
    "csharp": "dotnet",
    "aspnet": "dotnet",
    "static": "static",
    "spa": "static",
    "docker": "dockerfile",
    "dockerfile": "dockerfile",
}
