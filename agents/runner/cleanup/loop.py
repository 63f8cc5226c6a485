"""Clean-up between commands: removes what nothing needs, reports what history needs and is not here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_IMAGES
from agents.runner.cleanup.gateway_reset import GatewayReset
from agents.runner.cleanup.known_stacks import known_stacks
from agents.runner.cleanup.needs import (
    KnownStack,
    Patience,
    images_to_remove,
    leftovers,
    names_of,
    needed_releases,
    needs_of,
)
from agents.runner.docker.host import DockerHost
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import STOPPING
from agents.runner.journal import cluster_stacks
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.releases import Releases
from agents.runner.planning.codec import stack_of
from agents.runner.planning.model import HostImage

CHECK_SECONDS = 30.0
# However much goes on with images on this host.
MIN_PAUSE_SECONDS = 1.0
# A round is short, so that a deployment that waits for its end does not wait long.
MAX_REMOVALS_PER_ROUND = 20
# Longer than a push, or a pull by the slowest node, takes between a look and the task that has the image.
CLUSTER_IMAGE_SECONDS = 900.0
logger = logging.getLogger(__name__)


class Housekeeper:
    """One thread. Cleans up after each command and each new retention; takes stock then, at the start, when an image
    goes, and every 30 seconds.

    What is needed is read from the journal, so a command must be in the journal before `wait_for_turn` is called and
    may touch images only after it: then no clean-up that did not know of it is still at work.
    """

    def __init__(
        self,
        *,
        host: DockerHost,
        journal: Journal,
        releases: Releases,
        send: Callable[[pb.Inventory], None],
        now_ms: Callable[[], int],
        cluster_image_seconds: float = CLUSTER_IMAGE_SECONDS,
    ) -> None:
        """`cluster_image_seconds`: for how long an image of a cluster's stack is useless before it goes."""
        self._host = host
        self._journal = journal
        self._releases = releases
        self._send = send
        self._now_ms = now_ms
        self._patience = Patience(seconds=cluster_image_seconds)
        self._gateway_reset = GatewayReset(host=host, releases=releases)
        self._cleaning = threading.Lock()
        self._wake = threading.Event()
        self._cleanup_due = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, timeout: float) -> None:
        self._stopping.set()
        self._gateway_reset.stop(STOPPING)
        self._wake.set()
        self._thread.join(timeout)

    def retain(self, retention: pb.Retention) -> None:
        """Store what history needs from now on, and clean up by it."""
        of_cluster = [(each.project_id, each.stack_name) for each in retention.stacks if each.in_cluster]
        with self._releases.store.transaction():
            cluster_stacks.note(self._releases.store, of_cluster)
            self._releases.retain(retention)
        self.request_cleanup()

    def request_cleanup(self) -> None:
        """Clean up soon: a command has ended, and something may have become useless."""
        self._cleanup_due.set()
        self._wake.set()

    def wait_for_turn(self) -> None:
        """Wait until no clean-up is at work that might not know of the caller's command."""
        with self._cleaning:
            pass

    def _run(self) -> None:
        watch = self._host.watch_images(wake=self._wake.set)
        self._wake.set()
        try:
            while not self._stopping.is_set():
                self._wake.wait(CHECK_SECONDS)
                self._wake.clear()
                self._run_parts()
                self._stopping.wait(MIN_PAUSE_SECONDS)
        finally:
            watch.close()

    def _run_parts(self) -> None:
        """Run each part by itself: one that fails keeps no other from its turn, and the next round comes anyway."""
        for part in (self._clean_up_if_due, self._reset_gateways, self._send_inventory):
            if self._stopping.is_set():
                return
            try:
                part()
            except Exception as error:  # Docker is away, say
                logger.warning(
                    "housekeeping: %s failed, the next round tries again: %s", part.__name__.strip("_"), error
                )

    def _clean_up_if_due(self) -> None:
        if not self._cleanup_due.is_set():
            return
        self._cleanup_due.clear()
        try:
            with self._cleaning:
                self._clean_up()
        except Exception:  # not forgotten: the next round does it
            self._cleanup_due.set()
            raise

    def _reset_gateways(self) -> None:
        with self._cleaning:
            commands = [entry.command() for entry in self._journal.unfinished()]
            self._gateway_reset.reset_gateways(busy={stack_of(command) for command in commands})

    def _clean_up(self) -> None:
        stacks = known_stacks(journal=self._journal, releases=self._releases)
        retention = self._releases.retention()
        if retention is not None:
            self._remove_leftovers(stacks)
            self._remove_images(stacks, retention)
        # Last: containers of a release that is not recorded are nobody's to remove.
        for stack in stacks:
            needed = needed_releases(stack)
            useless = [release.deployment_id for release in stack.releases if release.deployment_id not in needed]
            self._releases.forget(stack=stack.name, deployment_ids=useless)

    def _remove_leftovers(self, stacks: tuple[KnownStack, ...]) -> None:
        containers = leftovers(containers=self._host.all_containers(), stacks=stacks)
        if containers:
            logger.info("removing %d stopped containers that nothing needs", len(containers))
        for container in containers:
            try:
                self._host.remove_containers((container.id,))
            except StepFailedError as error:  # it stays, and the others and the images still go
                logger.warning("housekeeping: %s", error)

    def _remove_images(self, stacks: tuple[KnownStack, ...], retention: pb.Retention) -> None:
        of_cluster = cluster_stacks.known(self._releases.store)
        names: dict[str, set[str]] = {}
        for project_id, name in (*((stack.project_id, stack.name) for stack in stacks), *of_cluster):
            names.setdefault(project_id, set()).add(name)
        useless = images_to_remove(
            images=self._host.our_images(),
            used={container.image_id for container in self._host.all_containers()},
            needs=needs_of(stacks, retained_images=_retained_images(retention)),
            stacks={project_id: frozenset(stack_names) for project_id, stack_names in names.items()},
        )
        images = self._ripe(useless, projects={project_id for project_id, _ in of_cluster})
        batch = images[:MAX_REMOVALS_PER_ROUND]
        removed = [name for image in batch for name in names_of(image) if self._host.remove_image(name)]
        if removed:
            logger.info("removed images that nothing needs: %s", ", ".join(removed))
        if removed and len(images) > len(batch):
            self.request_cleanup()

    def _ripe(self, useless: tuple[HostImage, ...], *, projects: set[str]) -> tuple[HostImage, ...]:
        """Return what may go now: of a cluster's projects only what was useless for long enough."""
        waiting = {image.id for image in useless if image.project_id in projects}
        over = self._patience.over(waiting, at=time.monotonic())
        if self._patience.waits:
            # Without a wake-up: the next round comes anyway.
            self._cleanup_due.set()
        return tuple(image for image in useless if image.id not in waiting or image.id in over)

    def _send_inventory(self) -> None:
        retention = self._releases.retention()
        if retention is None:
            return
        # What a node of a cluster lacks it pulls by its digest.
        wanted = {image for stack in retention.stacks if not stack.in_cluster for image in stack.image_ids}
        missing = wanted - self._host.image_ids() if wanted else set()
        inventory = pb.Inventory(
            retention_number=retention.number,
            missing_image_ids=sorted(missing)[:MAX_IMAGES],
            checked_at_ms=self._now_ms(),
        )
        self._send(inventory)


def _retained_images(retention: pb.Retention) -> set[str]:
    return {image for stack in retention.stacks for image in stack.image_ids}
