"""The work of commands as an agent's process makes it, without the rest of it: to publish and to clean up."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.publishing import destination_of, publish_images
from agents.runner.commands.pulling import signed_in
from agents.runner.commands.swarm.registry_cleanup import clean_registry
from agents.runner.config import load_config
from agents.runner.control_plane.client import ControlPlane, GatewayCalls
from agents.runner.control_plane.identity import Identity, save_identity
from agents.runner.control_plane.line import Line
from agents.runner.control_plane.reports import PUSHING
from agents.runner.docker.registries.registry_http import RegistryHttp
from agents.runner.interrupt import Interrupt
from agents.runner.journal.store import Store
from agents.runner.planning.codec import release_of
from agents.runner.planning.registries import RegistryLogin
from agents.runner.work_factory import WorkFactory
from tests.runner.gateway import CREDENTIAL, TestGateway
from tests.servers.own_registry import PASSWORD, USER, OwnRegistry

NAMESPACE = "team/axion"


@dataclass
class Works:
    """Makes the work of commands of one agent; images go to `address`."""

    factory: WorkFactory
    gateway: TestGateway
    address: str
    made: list[Work] = field(default_factory=list)

    def on(self, command: pb.Command, interrupt: Interrupt | None = None) -> Work:
        if not command.deploy.registry_address:
            command.deploy.registry_address, command.deploy.registry_namespace = self.address, NAMESPACE
        self.factory.journal.receive(command)
        entry = self.factory.journal.find(command.command_id)
        assert entry is not None
        self.made.append(self.factory.work_for(entry, interrupt or Interrupt()))
        return self.made[-1]

    def publish(self, command: pb.Command) -> dict[str, str]:
        work = self.on(command)
        try:
            return publish(work, command)
        finally:
            work.reporter.flush()

    def told(self, command: pb.Command) -> list[pb.Report]:
        reports = self.factory.journal.pending_reports(after=0, limit=10_000)
        return [pb.Report.FromString(each.body) for each in reports if each.command_id == command.command_id]

    def percents(self, command: pb.Command) -> list[int]:
        """What was told while it was pushing."""
        stages = (each.stage for each in self.told(command) if each.HasField("stage"))
        return [each.percent for each in stages if each.stage == PUSHING]

    def log(self, command: pb.Command, *, source: str) -> str:
        logs = (each.log for each in self.told(command) if each.HasField("log"))
        return "".join(each.text for each in logs if each.source == source)


def publish(work: Work, command: pb.Command) -> dict[str, str]:
    release = release_of(command)
    to = destination_of(release)
    assert to is not None
    built = [service for service in release.in_file if service.bundle_digest]
    with signed_in(work=work, release=release) as signed:
        return publish_images(work=signed, release=release, to=to, built=built)


def tags_of(registry: OwnRegistry, repository: str, folder: Path, *, user: str = USER) -> set[str]:
    """The tags under which the registry has an image."""
    login = RegistryLogin(
        name="", address=registry.address, username=user, password=PASSWORD, ca_certificate=registry.authority
    )
    with contextlib.closing(RegistryHttp(login=login, folder=folder)) as asked:
        # A tag whose manifest is gone is listed by some.
        return {tag for tag in asked.tags(repository) if asked.digest_of(repository, tag)}


def clean(
    works: Works, command: pb.Command, published: dict[str, str], *kept: str, services: tuple[str, ...] = ()
) -> str:
    """Clean up as after this deployment; return what it told."""
    cleanup = pb.RegistryCleanup(kept_digests=kept, services=services)
    command.deploy.registry_cleanup.CopyFrom(cleanup)
    work = works.on(command)
    clean_registry(work=work, release=release_of(command), images=published)
    work.reporter.flush()
    return works.log(command, source="agent")


def digest(published: dict[str, str]) -> str:
    (reference,) = published.values()
    return reference.partition("@")[2]


@contextmanager
def working(*, gateway: TestGateway, folder: Path, address: str, patience: int = 120) -> Iterator[Works]:
    """Give the work of an agent of `gateway` on the Docker that DOCKER_HOST names."""
    environment = {
        "AXION_AGENT__AGENT__STATE_DIR": str(folder / "state"),
        "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{gateway.port}",
        "AXION_AGENT__POLICY__REGISTRY_CERTIFICATES": "true",
        "AXION_AGENT__AGENT__REGISTRY_PATIENCE_SECONDS": str(patience),
    }
    (folder / "state").mkdir()
    config = load_config(path=None, environment=environment)
    identity = Identity(agent_id="agent-1", server_id="s", credential=CREDENTIAL, token_hash="")
    save_identity(path=config.credential_file, identity=identity)
    factory = WorkFactory(config=config, store=Store(folder / "state" / "journal"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    line = Line(config)
    asyncio.run_coroutine_threadsafe(line.dial(info=pb.AgentInfo, lanes=()), loop).result(10)
    factory.control_plane = ControlPlane(calls=GatewayCalls(line=line), loop=loop)
    works = Works(factory=factory, gateway=gateway, address=address)
    yield works
    for work in works.made:
        work.reporter.flush()
    asyncio.run_coroutine_threadsafe(line.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()
    factory.store.close()
