"""How this host's Docker gets at registries while a command works: logins, authorities, and patience."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.runner.docker.engine import Engine
from agents.runner.docker.registries.certificates import RegistryCertificates
from agents.runner.docker.registries.client_config import ClientConfigs
from agents.runner.planning.registries import RegistryLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAccess:
    """`engine` asks and pushes. `patience`: how many seconds a registry may be away before what needs it fails."""

    engine: Engine
    configs: ClientConfigs
    certificates: RegistryCertificates
    patience: float

    def clear(self) -> None:
        """Remove what a killed predecessor left; for the start, while nothing works."""
        self.configs.clear()
        self.certificates.clear()

    @contextmanager
    def signed_in(self, logins: Sequence[RegistryLogin]) -> Iterator[Path]:
        """Give a DOCKER_CONFIG with these logins; nothing of it is left afterwards. Raises OSError."""
        with self.configs.holding(logins) as folder, self.certificates.trusted(logins):
            yield folder
