"""The configuration of a generated gateway, routed to chosen containers instead of all that bear a name. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from agents.runner.planning.model import RUNNING, SOUND, Container, Release

CONFIG_PATH = "/etc/caddy/Caddyfile"
MAX_LABEL = 63
UPSTREAM = re.compile(r"^(\s*reverse_proxy )([^\s:/]+):(\d+)( \{)$", re.MULTILINE)
ADMIN = re.compile(r"^\s*admin (127\.0\.0\.1:\d+)$", re.MULTILINE)
OWN_SITE = "\tbind 127.0.0.1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where requests for a service go, and which containers must have none left before they may stop."""

    to: tuple[str, ...]
    away: tuple[str, ...] = ()


def gateway_config(release: Release, service: str) -> str:
    """Return the gateway's own configuration; empty when the service is not a gateway that can be routed."""
    text = release.files.get(f"Caddyfile.{service}", "")
    return text if ADMIN.search(text) else ""


def routed_config(text: str, routes: Mapping[str, Route]) -> str:
    """Return the configuration with these routes; the same text when none of their services is in it.

    What is routed away from, and the plain name, stay upstreams of a path that nobody can reach: Caddy counts the
    requests that are still on their way only for upstreams of its configuration.
    """
    counted: dict[str, None] = {}

    def route(match: re.Match[str]) -> str:
        before, name, port, after = match.groups()
        if name not in routes:
            return match[0]
        counted.update(dict.fromkeys(f"{host}:{port}" for host in (name, *routes[name].away)))
        return before + " ".join(f"{host}:{port}" for host in routes[name].to) + after

    written = UPSTREAM.sub(route, text)
    if not counted:
        return text
    return written.replace(OWN_SITE, f"{OWN_SITE}\treverse_proxy /leaving {' '.join(counted)}\n")


def reload_command(path: str) -> list[str]:
    """Return the program by which a gateway takes this configuration without dropping a connection."""
    return ["caddy", "reload", "--config", path, "--adapter", "caddyfile"]


def admin_url(text: str) -> str:
    """Return where the gateway answers, inside its container, how many requests each upstream has."""
    found = ADMIN.search(text)
    return f"http://{found[1]}/reverse_proxy/upstreams" if found else ""


def count_open_requests(output: str, hosts: Collection[str]) -> int:
    """Count the requests of these hosts in Caddy's answer. Raises ValueError for what is not one."""
    try:
        upstreams = json.loads(output)
        return sum(int(each["num_requests"]) for each in upstreams or () if each["address"].rpartition(":")[0] in hosts)
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("no list of upstreams") from error


def host_names(containers: Iterable[Container]) -> tuple[str, ...]:
    """Return the names by which a gateway finds exactly these containers, whatever address a restart gives them."""
    return tuple(each.name if len(each.name) <= MAX_LABEL else each.id[:12] for each in containers)


def serving_containers(found: Iterable[Container], leaving: Collection[str]) -> tuple[Container, ...]:
    """Return those that served before something is started beside them: the healthy ones of old, or whatever runs."""
    running = [each for each in found if each.state == RUNNING]
    old = [each for each in running if each.id in leaving]
    sound = [each for each in running if each.health in SOUND]
    for chosen in ([each for each in old if each in sound], sound, old, running):
        if chosen:
            return tuple(chosen)
    return ()
