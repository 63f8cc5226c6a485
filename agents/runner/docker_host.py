"""The Docker engine of this host, read through its API. With docker_commands.py the only place that runs Docker."""

from __future__ import annotations

import contextlib
import io
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from agents.runner.errors import UnavailableError
from agents.runner.model import (
    COMPOSE_NUMBER,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL_DEPLOYMENT,
    LABEL_HASH,
    LABEL_PROJECT,
    LABEL_SERVICE,
    Container,
    HostContainer,
    HostImage,
)

READ_TIMEOUT = 30
PATIENCE_SECONDS = 60.0
STOP_SECONDS = 10
EVENTS = ["create", "start", "die", "stop", "destroy", "oom", "restart", "rename", "health_status"]
NO_TAG = "<none>:<none>"
Result = TypeVar("Result")


class DockerHost:
    """Reads and removals. A restarting engine is waited for, up to a minute; then UnavailableError."""

    def __init__(self) -> None:
        self._api: Any = docker.APIClient(timeout=READ_TIMEOUT, **_environment())

    def containers(self, *, stack: str, project_id: str) -> tuple[Container, ...]:
        """Our containers of the stack, stopped ones too."""
        labels = [f"{COMPOSE_PROJECT}={stack}", f"{LABEL_PROJECT}={project_id}"]
        listed = self._ask(lambda: self._api.containers(all=True, filters={"label": labels}))
        described = (self._describe(each["Id"]) for each in listed)
        return tuple(sorted((each for each in described if each), key=lambda each: (each.service, each.id)))

    def _describe(self, container_id: str) -> Container | None:
        try:
            found: dict[str, Any] = self._ask(lambda: self._api.inspect_container(container_id))
        except NotFound:
            return None
        state, labels = found["State"], found["Config"]["Labels"]
        return Container(
            id=found["Id"],
            service=labels.get(COMPOSE_SERVICE, ""),
            state=state["Status"],
            health=(state.get("Health") or {}).get("Status", "none"),
            image_id=found["Image"],
            exit_code=state["ExitCode"],
            restarts=found["RestartCount"],
            started_at=_epoch(state["StartedAt"]),
            content_hash=labels.get(LABEL_HASH, ""),
            deployment_id=labels.get(LABEL_DEPLOYMENT, ""),
            name=found["Name"].lstrip("/"),
            number=int(labels.get(COMPOSE_NUMBER, 0)),
            exclusive=_is_exclusive(found["HostConfig"]),
            volumes=tuple(each["Name"] for each in found["Mounts"] if each["Type"] == "volume"),
        )

    def image_id(self, image: str) -> str:
        """The id (sha256:...) of a local image; empty when it is not here."""
        try:
            return str(self._ask(lambda: self._api.inspect_image(image))["Id"])
        except NotFound:
            return ""

    def image_ids(self) -> frozenset[str]:
        """Ids of all images on this host."""
        return frozenset(each["Id"] for each in self._ask(lambda: self._api.images(all=True)))

    def our_images(self) -> tuple[HostImage, ...]:
        """Images with our project label, whoever built them."""
        found = self._ask(lambda: self._api.images(filters={"label": LABEL_PROJECT}))
        return tuple(
            HostImage(
                id=each["Id"],
                tags=tuple(tag for tag in each["RepoTags"] or () if tag != NO_TAG),
                project_id=each["Labels"].get(LABEL_PROJECT, ""),
                service=each["Labels"].get(LABEL_SERVICE, ""),
            )
            for each in found
        )

    def remove_image(self, tag: str) -> bool:
        """Take the tag away, and the image with its last one, but nothing it was built upon; False for one in use."""
        with contextlib.suppress(APIError):
            self._ask(lambda: self._api.remove_image(tag, noprune=True))
            return True
        return False

    def all_containers(self) -> tuple[HostContainer, ...]:
        """Every container of this host, stopped ones and other people's too."""
        return tuple(
            HostContainer(
                id=each["Id"],
                state=each["State"],
                image_id=each["ImageID"],
                stack=(each["Labels"] or {}).get(COMPOSE_PROJECT, ""),
                project_id=(each["Labels"] or {}).get(LABEL_PROJECT, ""),
                deployment_id=(each["Labels"] or {}).get(LABEL_DEPLOYMENT, ""),
            )
            for each in self._ask(lambda: self._api.containers(all=True))
        )

    def log_tail(self, *, container_id: str, lines: int) -> tuple[str, ...]:
        """The container's last lines, not masked; empty when it is gone."""
        with contextlib.suppress(DockerException, requests.RequestException):
            raw = self._api.logs(container_id, tail=lines, stdout=True, stderr=True)
            return tuple(raw.decode("utf-8", "replace").splitlines())
        return ()

    def write_file(self, *, container_id: str, path: str, text: str) -> None:
        """Put a file, readable by all, into a running container. Raises UnavailableError when it does not take it."""
        folder, _, name = path.rpartition("/")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
        try:
            self._ask(lambda: self._api.put_archive(container_id, folder or "/", buffer.getvalue()))
        except APIError as error:
            raise UnavailableError(f"{name} could not be put into the container: {error.explanation}") from error

    def run_inside(self, *, container_id: str, argv: list[str]) -> tuple[int, str]:
        """Run a short program in a running container, once; its exit code and its output. Raises UnavailableError."""
        try:
            begun = self._api.exec_create(container_id, argv)
            said: bytes = self._api.exec_start(begun["Id"])
            code = self._api.exec_inspect(begun["Id"])["ExitCode"]
        except (DockerException, requests.RequestException) as error:
            raise UnavailableError(f"{argv[0]} could not be run: {error}") from error
        return int(code if code is not None else -1), said.decode("utf-8", "replace")

    def networks(self, stack: str) -> dict[str, str]:
        """Name to id of the stack's networks."""
        filters = {"label": f"{COMPOSE_PROJECT}={stack}"}
        return {each["Name"]: each["Id"] for each in self._ask(lambda: self._api.networks(filters=filters))}

    def volumes(self, stack: str) -> tuple[str, ...]:
        """Names of the stack's volumes."""
        found = self._ask(lambda: self._api.volumes(filters={"label": f"{COMPOSE_PROJECT}={stack}"}))
        return tuple(each["Name"] for each in found["Volumes"] or ())

    def remove_containers(self, ids: tuple[str, ...]) -> None:
        """Stop, each with the grace it was created with, and remove; those that are gone already do not matter.

        Their volumes stay, unnamed ones too: nothing here deletes a volume, that is for a person to do.
        """

        def remove(container_id: str) -> None:
            with contextlib.suppress(NotFound):
                asked = self._ask(lambda: self._api.inspect_container(container_id))["Config"].get("StopTimeout")
                grace = STOP_SECONDS if asked is None else asked
                self._ask(lambda: self._api.stop(container_id, timeout=grace))
                self._ask(lambda: self._api.remove_container(container_id, force=True, v=False))

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(remove, ids))

    def remove_networks(self, ids: tuple[str, ...]) -> None:
        """Remove networks; one in use stays."""
        for network_id in ids:
            with contextlib.suppress(APIError):
                self._ask(partial(self._api.remove_network, network_id))

    def active_containers(self) -> int:
        """How many running containers of this host are ours."""
        return len(self._api.containers(filters={"label": LABEL_PROJECT}))

    def engine_version(self) -> str:
        """Empty when no engine answers."""
        with contextlib.suppress(DockerException, requests.RequestException):
            return str(self._api.version()["Version"])
        return ""

    def watch(self, *, stack: str, wake: Callable[[], None]) -> Watch:
        """Call `wake` on every event of the stack's containers, until closed."""
        filters = {"type": "container", "label": f"{COMPOSE_PROJECT}={stack}", "event": EVENTS}
        return Watch(filters=filters, wake=wake)

    def watch_images(self, *, wake: Callable[[], None]) -> Watch:
        """Call `wake` whenever an image goes, until closed."""
        return Watch(filters={"type": "image", "event": ["delete", "untag"]}, wake=wake)

    def _ask(self, call: Callable[[], Result]) -> Result:
        attempts = Retrying(
            stop=stop_after_delay(PATIENCE_SECONDS),
            wait=wait_random_exponential(multiplier=0.1, max=3),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        try:
            return attempts(call)
        except APIError:  # the engine answered; it only happens to be a RequestException too
            raise
        except requests.RequestException as error:
            raise UnavailableError(f"The Docker engine does not answer: {type(error).__name__}.") from error


class Watch:
    """A thread that listens to Docker's events; it reconnects by itself, and waking once too often is harmless."""

    def __init__(self, *, filters: dict[str, Any], wake: Callable[[], None]) -> None:
        self._filters = filters
        self._wake = wake
        self._closed = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._listen, name="docker-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        stream = self._stream
        if stream is not None:
            with contextlib.suppress(DockerException, OSError, AttributeError):
                stream.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            # A quiet stack sends nothing for hours.
            api = docker.APIClient(**{**_environment(), "timeout": None})
            with contextlib.suppress(DockerException, requests.RequestException, OSError, ValueError, AttributeError):
                self._stream = api.events(filters=self._filters)
                # What happened before the stream was open is seen by looking once now.
                self._wake()
                for _ in () if self._closed.is_set() else self._stream:
                    self._wake()
            api.close()
            self._closed.wait(0.5)


def _is_exclusive(host_config: dict[str, Any]) -> bool:
    """Whether the container holds ports of the host or named volumes; folders of the host may be shared."""
    sources = [bind.split(":")[0] for bind in host_config.get("Binds") or ()]
    sources += [mount.get("Source", "") for mount in host_config.get("Mounts") or () if mount["Type"] == "volume"]
    return bool(host_config.get("PortBindings")) or any(source and source[0] != "/" for source in sources)


def _environment() -> dict[str, Any]:
    return {"version": "auto", **kwargs_from_env()}


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, APIError):
        return error.is_server_error() and error.status_code in {502, 503, 504}
    return isinstance(error, requests.RequestException)


def _epoch(text: str) -> float:
    """Docker's time, nanoseconds and all; 0 for its year 1."""
    if text.startswith("0001"):
        return 0.0
    return datetime.fromisoformat(f"{text[:19]}+00:00").timestamp()
