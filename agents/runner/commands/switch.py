"""Lead a stack's gateways while old and new copies of its services run side by side, so that no request is lost.

A gateway finds a service by its name, and that stands for all copies, also for one that is not ready. So a gateway is
told first to stay with those that serve, then to lead to the new ones alone, and in the end to go by the name again.
One that restarts meanwhile reads its own file and works as well as that allows; so does one that cannot be told.
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
    """The switch of one plan; its `leaving` containers go in the end. Safe to begin again after a crash."""

    def __init__(self, *, work: Work, release: Release, plan: Plan) -> None:
        self._work = work
        self._release = release
        self._added = plan.services(ADD)
        self._switched = plan.services(ADD, RETIRE)
        self._leaving = plan.leaving
        self._told: dict[str, str] = {}
        # Gateways whose program does not end: once per switch is waited for it, not at each step.
        self._deaf: set[str] = set()

    def hold(self, observed: tuple[Container, ...]) -> None:
        """Have gateways that were not told yet stay with what serves now, where something starts beside it."""
        leads = {
            name: Route(to=hosts)
            for name in self._added
            if (hosts := host_names(serving_containers(containers_of(observed, name), self._leaving)))
        }
        for gateway, text in self._gateways(observed) if leads else ():
            if gateway.id not in self._told:
                self._tell(gateway, text, leads)

    def take_over(self, observed: tuple[Container, ...]) -> None:
        """Lead to the copies that stay, and wait, for a while at most, until the others have answered."""
        leads = {}
        for name in self._switched:
            running = [each for each in containers_of(observed, name) if each.state == RUNNING]
            staying = host_names(each for each in running if each.id not in self._leaving)
            if staying:
                leads[name] = Route(to=staying, away=host_names(each for each in running if each.id in self._leaving))
        for gateway, text in self._gateways(observed):
            self._tell(gateway, text, leads)
        self._drain({host for lead in leads.values() for host in lead.away})

    def settle(self, observed: tuple[Container, ...]) -> None:
        """Have every gateway that was ever told go by its own file again."""
        running = {each.id for each in observed if each.state == RUNNING}
        for container_id in self._work.releases.routed_gateways(self._release.stack):
            # Also one whose program did not end: what it was told may have an effect yet.
            if container_id not in running or self._reload(container_id, CONFIG_PATH):
                self._work.releases.forget_routed_gateway(container_id)

    def _gateways(self, observed: tuple[Container, ...]) -> list[tuple[Container, str]]:
        """Running gateways, each with the configuration it was started with."""
        found = []
        for each in observed:
            record = self._work.releases.find(each.deployment_id) if each.state == RUNNING else None
            text = gateway_config(record.release, each.service) if record else ""
            if text:
                found.append((each, text))
        return found

    def _tell(self, gateway: Container, text: str, leads: Mapping[str, Route]) -> None:
        wanted = routed_config(text, leads)
        if wanted == text or gateway.id in self._deaf:
            return
        # Written down first: whoever goes on after a crash must know that this gateway may be led.
        self._work.releases.record_routed_gateway(stack=self._release.stack, container_id=gateway.id)
        try:
            self._work.host.write_file(container_id=gateway.id, path=ROUTED_CONFIG_PATH, text=wanted)
        except UnavailableError as error:  # it may have gone this moment; the deployment does not depend on it
            self._could_not(gateway.service, str(error))
            return
        if self._reload(gateway.id, ROUTED_CONFIG_PATH):
            self._told[gateway.id] = text

    def _reload(self, container_id: str, path: str) -> bool:
        """Caddy takes the new configuration without dropping a connection that is in use."""
        try:
            code, said = self._run(container_id, reload_command(path), RELOAD_SECONDS)
        except UnavailableError as error:
            self._deaf.add(container_id)
            code, said = -1, str(error)
        if code != 0:
            self._could_not(container_id[:12], said)
        return code == 0

    def _could_not(self, gateway: str, why: str) -> None:
        last = why.strip().splitlines()[-1:] or ["it said nothing"]
        text = f"The gateway {gateway} could not be told where to lead and goes by names: {last[0][:MAX_REASON]}\n"
        self._work.reporter.log(source="agent", text=text)

    def _run(self, container_id: str, argv: list[str], seconds: float) -> tuple[int, str]:
        """The program is the gateway's, and whose image that is nobody knows: it gets seconds, and says little."""
        return self._work.host.run_inside(
            container_id=container_id, argv=argv, seconds=seconds, interrupt=self._work.interrupt
        )

    def _drain(self, hosts: Collection[str]) -> None:
        give_up_at = self._work.clock() + DRAIN_SECONDS
        while hosts and self._on_the_way(hosts) and self._work.clock() < give_up_at:
            self._work.interrupt.pause(DRAIN_LOOK_SECONDS)

    def _on_the_way(self, hosts: Collection[str]) -> int:
        """Requests that gateways still have with these hosts; 0 from one that does not answer."""
        total = 0
        for container_id, text in self._told.items():
            argv = ["wget", "-q", "-O", "-", admin_url(text)]
            try:
                code, said = self._run(container_id, argv, COUNT_SECONDS)
                total += count_open_requests(said, hosts) if code == 0 else 0
            except (UnavailableError, ValueError):
                continue
        return total
