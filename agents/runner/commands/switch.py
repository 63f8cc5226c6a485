"""Route a stack's gateways while old and new copies of its services run side by side, so that no request is lost.

A gateway finds a service by its name, and that stands for all copies, also for one that is not ready. So a gateway is
pinned first to those that serve, then routed to the new ones alone, and in the end reset to go by the name again. One
that restarts meanwhile reads its own file and works as well as that allows; so does one that takes no configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from agents.runner.commands.context import Work
from agents.runner.errors import UnavailableError
from agents.runner.planning.model import RUNNING, Container, Release, containers_of
from agents.runner.planning.plan import Plan
from agents.runner.planning.routing import (
    CONFIG_PATH,
    Route,
    admin_url,
    count_open_requests,
    gateway_config,
    host_names,
    reload_command,
    routed_config,
    serving_containers,
)
from agents.runner.planning.steps import ADD, RETIRE

ROUTED_CONFIG_PATH = "/tmp/axion.Caddyfile"  # noqa: S108 - inside the gateway's container, where nobody else is
RELOAD_SECONDS = 10.0
COUNT_SECONDS = 2.0
DRAIN_SECONDS = 10.0
DRAIN_LOOK_SECONDS = 0.2
MAX_REASON = 300


class GatewaySwitch:
    """Switches the gateways of one plan; its `leaving` containers go in the end. Safe to begin again after a crash."""

    def __init__(self, *, work: Work, release: Release, plan: Plan) -> None:
        self._work = work
        self._release = release
        self._added = plan.services(ADD)
        self._switched = plan.services(ADD, RETIRE)
        self._leaving = plan.leaving
        self._routed: dict[str, str] = {}
        # Gateways whose program did not end: waited for once per switch, not at each step.
        self._unresponsive: set[str] = set()

    def pin_gateways(self, observed: tuple[Container, ...]) -> None:
        """Pin gateways that were not yet to what serves now, where something starts beside it."""
        routes = {
            name: Route(to=hosts)
            for name in self._added
            if (hosts := host_names(serving_containers(containers_of(observed, name), self._leaving)))
        }
        for gateway, text in self._gateways(observed) if routes else ():
            if gateway.id not in self._routed:
                self._route(gateway, text, routes)

    def route_to_staying(self, observed: tuple[Container, ...]) -> None:
        """Lead requests to the copies that stay; wait up to DRAIN_SECONDS until the others have answered."""
        routes = {}
        for name in self._switched:
            running = [each for each in containers_of(observed, name) if each.state == RUNNING]
            staying = host_names(each for each in running if each.id not in self._leaving)
            if staying:
                routes[name] = Route(to=staying, away=host_names(each for each in running if each.id in self._leaving))
        for gateway, text in self._gateways(observed):
            self._route(gateway, text, routes)
        self._drain({host for route in routes.values() for host in route.away})

    def reset_gateways(self, observed: tuple[Container, ...]) -> None:
        """Have every gateway that was ever given routes go by its own file again."""
        running = {each.id for each in observed if each.state == RUNNING}
        for container_id in self._work.releases.routed_gateways(self._release.stack):
            # Also one whose program did not end: what it was told may have an effect yet.
            if container_id not in running or self._reload(container_id, CONFIG_PATH):
                self._work.releases.forget_routed_gateway(container_id)

    def _gateways(self, observed: tuple[Container, ...]) -> list[tuple[Container, str]]:
        """Return the running gateways, each with the configuration it was started with."""
        gateways = []
        for container in observed:
            record = self._work.releases.find(container.deployment_id) if container.state == RUNNING else None
            text = gateway_config(record.release, container.service) if record else ""
            if text:
                gateways.append((container, text))
        return gateways

    def _route(self, gateway: Container, text: str, routes: Mapping[str, Route]) -> None:
        wanted = routed_config(text, routes)
        if wanted == text or gateway.id in self._unresponsive:
            return
        # Written down first: whoever goes on after a crash must know that this gateway may have them.
        self._work.releases.record_routed_gateway(stack=self._release.stack, container_id=gateway.id)
        try:
            self._work.host.write_file(container_id=gateway.id, path=ROUTED_CONFIG_PATH, text=wanted)
        except UnavailableError as error:  # it may have gone this moment; the deployment does not depend on it
            self._log_failure(gateway.service, str(error))
            return
        if self._reload(gateway.id, ROUTED_CONFIG_PATH):
            self._routed[gateway.id] = text

    def _reload(self, container_id: str, path: str) -> bool:
        """Have Caddy take the configuration, which drops no connection in use; tell whether it did."""
        try:
            code, output = self._run(container_id, reload_command(path), RELOAD_SECONDS)
        except UnavailableError as error:
            self._unresponsive.add(container_id)
            code, output = -1, str(error)
        if code != 0:
            self._log_failure(container_id[:12], output)
        return code == 0

    def _log_failure(self, gateway: str, why: str) -> None:
        last = why.strip().splitlines()[-1:] or ["it printed nothing"]
        text = f"The gateway {gateway} could not be told where to lead and goes by names: {last[0][:MAX_REASON]}\n"
        self._work.reporter.log(source="agent", text=text)

    def _run(self, container_id: str, argv: list[str], seconds: float) -> tuple[int, str]:
        # The program is the gateway's, whose image may be anything: it gets seconds, and little output is read.
        return self._work.host.run_inside(
            container_id=container_id, argv=argv, seconds=seconds, interrupt=self._work.interrupt
        )

    def _drain(self, hosts: Collection[str]) -> None:
        give_up_at = self._work.clock() + DRAIN_SECONDS
        while hosts and self._open_requests(hosts) and self._work.clock() < give_up_at:
            self._work.interrupt.pause(DRAIN_LOOK_SECONDS)

    def _open_requests(self, hosts: Collection[str]) -> int:
        """Return how many requests gateways still have with these hosts; a gateway that does not answer counts as 0."""
        total = 0
        for container_id, text in self._routed.items():
            argv = ["wget", "-q", "-O", "-", admin_url(text)]
            try:
                code, output = self._run(container_id, argv, COUNT_SECONDS)
                total += count_open_requests(output, hosts) if code == 0 else 0
            except (UnavailableError, ValueError):
                continue
        return total
