"""Secret values while a command works: in memory, fetched when first needed, known to the masker."""

from __future__ import annotations

from agents.runner.control_plane.client import ControlPlane, FetchedSecrets
from agents.runner.control_plane.masker import Masker
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.model import Release
from agents.runner.planning.registries import RegistryLogin


class Vault:
    """One command's view; forgotten with it."""

    def __init__(self, *, control_plane: ControlPlane, masker: Masker) -> None:
        self._control_plane = control_plane
        self._masker = masker
        self._fetched: dict[str, FetchedSecrets] = {}

    def logins(self, *, release: Release, interrupt: Interrupt) -> tuple[RegistryLogin, ...]:
        """Return the registries that images of the release come from or go to."""
        return self._fetch(release.deployment_id, interrupt).logins

    def values(self, *, release: Release, interrupt: Interrupt) -> dict[str, str]:
        """Return exactly the variables that the release names. Raises StepFailedError when one has no value."""
        if not release.variable_names:
            return {}
        fetched = self._fetch(release.deployment_id, interrupt).values
        missing = sorted(set(release.variable_names) - set(fetched))
        if missing:
            raise StepFailedError("invalid", f"No value was given for {', '.join(missing)}.")
        return {name: fetched[name] for name in release.variable_names}

    def _fetch(self, deployment_id: str, interrupt: Interrupt) -> FetchedSecrets:
        if deployment_id not in self._fetched:
            fetched = self._control_plane.secrets(deployment_id=deployment_id, interrupt=interrupt)
            self._masker.learn([*fetched.values.values(), *(login.password for login in fetched.logins)])
            self._fetched[deployment_id] = fetched
        return self._fetched[deployment_id]
