"""The files of a release on the disk of its host. No secret is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_texts(folder: Path, files: Mapping[str, str]) -> Path:
    """Write these texts below the folder, where they are not there already; return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return folder
