"""The images of this host's Docker engine: known by id, named, and taken away by name."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from docker.errors import APIError, NotFound

from agents.runner.planning.model import LABEL_PROJECT, LABEL_SERVICE, HostImage

NO_TAG = "<none>:<none>"
NO_DIGEST = "<none>@<none>"
Result = TypeVar("Result")


class HostImages(ABC):
    """A part of DockerHost, which knows how long to wait for an engine that is away."""

    @abstractmethod
    def _ask(self, call: Callable[[Any], Result]) -> Result: ...

    @abstractmethod
    def _order(self, call: Callable[[Any], Result]) -> Result: ...

    def image_id(self, image: str) -> str:
        """Return the id (sha256:...) of a local image; empty when it is not here."""
        try:
            return str(self._ask(lambda api: api.inspect_image(image))["Id"])
        except NotFound:
            return ""

    def image_volumes(self, image: str) -> tuple[str, ...]:
        """Return the paths that an image declares to hold data; none when it is not here."""
        try:
            config = self._ask(lambda api: api.inspect_image(image)).get("Config") or {}
        except NotFound:
            return ()
        return tuple(sorted(config.get("Volumes") or ()))

    def image_ids(self) -> frozenset[str]:
        """Return the ids of all images on this host."""
        return frozenset(each["Id"] for each in self._ask(lambda api: api.images(all=True)))

    def our_images(self) -> tuple[HostImage, ...]:
        """Return the images with our project label, whoever built them."""
        found = self._ask(lambda api: api.images(filters={"label": LABEL_PROJECT}))
        return tuple(
            HostImage(
                id=each["Id"],
                tags=tuple(tag for tag in each["RepoTags"] or () if tag != NO_TAG),
                project_id=each["Labels"].get(LABEL_PROJECT, ""),
                service=each["Labels"].get(LABEL_SERVICE, ""),
                digests=tuple(name for name in each.get("RepoDigests") or () if name != NO_DIGEST),
            )
            for each in found
        )

    def tag_image(self, *, image: str, tag: str) -> None:
        """Give a local image this tag, too."""
        name, _, word = tag.rpartition(":")
        self._order(lambda api: api.tag(image, name, word, force=True))

    def remove_image(self, tag: str) -> bool:
        """Take the tag, or the NAME@DIGEST, away, and the image with its last one, but nothing it was built upon.

        False for one in use.
        """
        with contextlib.suppress(APIError):
            self._order(lambda api: api.remove_image(tag, noprune=True))
            return True
        return False
