"""Secret values while a command works: in memory, fetched when first needed, known to the masker."""

from __future__ import annotations

from agents.runner.control_plane.client import ControlPlane
from agents.runner.control_plane.masker import Masker
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.model import Release


class Vault:
    """One command's view; forgotten with it."""

    def __init__(self, *, control_plane: ControlPlane, masker: Masker) -> None:
        self._control_plane = control_plane
        self._masker = masker
        self._values: dict[str, dict[str, str]] = {}

    def values(self, *, release: Release, interrupt: Interrupt) -> dict[str, str]:
        """Return exactly the variables that the release names. Raises StepFailedError when one has no value."""
        if not release.variable_names:
            return {}
        deployment_id = release.deployment_id
        if deployment_id not in self._values:
            fetched = self._control_plane.secrets(deployment_id=deployment_id, interrupt=interrupt)
            self._masker.learn(fetched.values())
            self._values[deployment_id] = fetched
        fetched = self._values[deployment_id]
        missing = sorted(set(release.variable_names) - set(fetched))
        if missing:
            raise StepFailedError("invalid", f"No value was given for {', '.join(missing)}.")
        return {name: fetched[name] for name in release.variable_names}
