"""Keeps the host in order between commands: removes what nothing needs, tells what history needs and is not here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_IMAGES
from agents.runner.cleanup.gateway_reset import GatewayReset
from agents.runner.cleanup.known_stacks import known_stacks
from agents.runner.cleanup.needs import KnownStack, images_to_remove, leftovers, needed_releases, needs_of
from agents.runner.docker.host import DockerHost
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import STOPPING
from agents.runner.journal.commands import Journal
from agents.runner.journal.releases import Releases
from agents.runner.planning.codec import stack_of

CHECK_SECONDS = 30.0
# However much goes on with images on this host.
MIN_PAUSE_SECONDS = 1.0
# A round is short, so that a deployment that waits for its end does not wait long.
MAX_REMOVALS_PER_ROUND = 20
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
        tell: Callable[[pb.Inventory], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._host = host
        self._journal = journal
        self._releases = releases
        self._tell = tell
        self._now_ms = now_ms
        self._leading = GatewayReset(host=host, releases=releases)
        self._turn = threading.Lock()
        self._news = threading.Event()
        self._untidy = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_house, name="housekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, timeout: float) -> None:
        self._stopping.set()
        self._leading.stop(STOPPING)
        self._news.set()
        self._thread.join(timeout)

    def retain(self, retention: pb.Retention) -> None:
        """Store what history needs from now on, and clean up by it."""
        self._releases.retain(retention)
        self.request_cleanup()

    def request_cleanup(self) -> None:
        """Clean up soon: a command has ended, and something may have become useless."""
        self._untidy.set()
        self._news.set()

    def wait_for_turn(self) -> None:
        """Wait until no clean-up is at work that might not know of the caller's command."""
        with self._turn:
            pass

    def _keep_house(self) -> None:
        watch = self._host.watch_images(wake=self._news.set)
        self._news.set()
        try:
            while not self._stopping.is_set():
                self._news.wait(CHECK_SECONDS)
                self._news.clear()
                self._do_what_is_due()
                self._stopping.wait(MIN_PAUSE_SECONDS)
        finally:
            watch.close()

    def _do_what_is_due(self) -> None:
        """Do each part by itself: one that fails keeps the others from nothing, and the next round comes anyway."""
        for part in (self._tidy_in_turn, self._lead_back, self._take_stock):
            if self._stopping.is_set():
                return
            try:
                part()
            except Exception as error:  # Docker is away, say
                logger.warning("housekeeping: %s broke off: %s", part.__name__.strip("_"), error)

    def _tidy_in_turn(self) -> None:
        if not self._untidy.is_set():
            return
        self._untidy.clear()
        try:
            with self._turn:
                self._tidy()
        except Exception:  # not forgotten: the next round does it
            self._untidy.set()
            raise

    def _lead_back(self) -> None:
        with self._turn:
            commands = [entry.command() for entry in self._journal.unfinished()]
            self._leading.reset_gateways(busy={stack_of(each) for each in commands})

    def _tidy(self) -> None:
        memories = known_stacks(journal=self._journal, releases=self._releases)
        retention = self._releases.retention()
        if retention is not None:
            self._remove_leftovers(memories)
            self._remove_images(memories, retention)
        # Last: containers of a release that is not recorded are nobody's to remove.
        for memory in memories:
            needed = needed_releases(memory)
            useless = [each.deployment_id for each in memory.releases if each.deployment_id not in needed]
            self._releases.forget(stack=memory.stack, deployment_ids=useless)

    def _remove_leftovers(self, memories: tuple[KnownStack, ...]) -> None:
        found = leftovers(containers=self._host.all_containers(), memories=memories)
        if found:
            logger.info("removing %d stopped containers that nothing needs", len(found))
        for each in found:
            try:
                self._host.remove_containers((each.id,))
            except StepFailedError as error:  # it stays, and keeps the others, and the images, from nothing
                logger.warning("housekeeping: %s", error)

    def _remove_images(self, memories: tuple[KnownStack, ...], retention: pb.Retention) -> None:
        stacks: dict[str, set[str]] = {}
        for memory in memories:
            stacks.setdefault(memory.project_id, set()).add(memory.stack)
        found = images_to_remove(
            images=self._host.our_images(),
            used={each.image_id for each in self._host.all_containers()},
            needs=needs_of(memories, retained_images={image for kept in retention.stacks for image in kept.image_ids}),
            stacks={project_id: frozenset(names) for project_id, names in stacks.items()},
        )
        removed = [
            tag for image in found[:MAX_REMOVALS_PER_ROUND] for tag in image.tags if self._host.remove_image(tag)
        ]
        if removed:
            logger.info("removed images that nothing needs: %s", ", ".join(removed))
        if removed and len(found) > MAX_REMOVALS_PER_ROUND:
            self.request_cleanup()

    def _take_stock(self) -> None:
        retention = self._releases.retention()
        if retention is None:
            return
        wanted = {image for kept in retention.stacks for image in kept.image_ids}
        missing = wanted - self._host.image_ids() if wanted else set()
        inventory = pb.Inventory(
            retention_number=retention.number,
            missing_image_ids=sorted(missing)[:MAX_IMAGES],
            checked_at_ms=self._now_ms(),
        )
        self._tell(inventory)
