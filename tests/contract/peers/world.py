"""What the peers know and how they misbehave, for a test to change while they run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class World:
    """Two files that the NestJS program reads and writes."""

    state: Path
    heard_file: Path

    def be(self, **members: Any) -> None:
        """From now on exactly this is so."""
        draft = self.state.with_suffix(".new")
        draft.write_text(json.dumps(members, default=str))
        draft.replace(self.state)
        self.heard_file.write_text("")

    def heard(self, pattern: str) -> list[dict[str, Any]]:
        """The requests for this pattern since the last `be`."""
        lines = [json.loads(line) for line in self.heard_file.read_text().splitlines()]
        return [line["request"] for line in lines if line["pattern"] == pattern]
