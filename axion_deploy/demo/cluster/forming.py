"""A Swarm made of servers through the REST interface, as any other client would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.http import Answer, ask

FORM_SECONDS = 180.0
POLL_SECONDS = 0.5
DONE = "done"
# States of a change that has not ended.
OPEN = frozenset({"waiting", "working"})


class ClusterApi:
    def __init__(self, *, url: str, token: str, cluster: str) -> None:
        self._url = f"{url}/api"
        self._headers = {"Authorization": f"Token {token}"}
        self._cluster = cluster

    def use_registry(self, *, address: str) -> None:
        """Have the cluster's images go through this registry. Raises DemoError."""
        made = self._sent("registries", {"name": "demo", "address": address}).member("registry")
        self._sent(f"clusters/{self._cluster}/registry", {"registryId": made["id"]}, method="PUT")

    def form(self, *, addresses: Mapping[str, str], check: Callable[[], None]) -> None:
        """Make the servers, addresses by id, managers of one Swarm; returns when each is. Raises DemoError."""
        servers = [
            {"serverId": server, "role": "manager", "advertiseAddress": address}
            for server, address in addresses.items()
        ]
        self._sent(f"clusters/{self._cluster}/swarm/form", {"servers": servers})
        give_up_at = time.monotonic() + FORM_SECONDS
        while (changes := self._changes()) and not all(change["state"] == DONE for change in changes):
            check()
            failed = [change for change in changes if change["state"] not in OPEN | {DONE}]
            if failed or time.monotonic() > give_up_at:
                raise DemoError(f"The cluster was not formed: {_sentences(failed or changes)}")
            time.sleep(POLL_SECONDS)

    def _changes(self) -> list[dict[str, Any]]:
        found = self._sent(f"clusters/{self._cluster}/swarm").member("data").get("changes")
        return found if isinstance(found, list) else []

    def _sent(self, path: str, body: object = None, *, method: str = "") -> Answer:
        answer = ask(f"{self._url}/{path}", send=body, headers=self._headers, method=method)
        if not 200 <= answer.status < 300:
            error = answer.member("error")
            raise DemoError(f"{path} was refused ({answer.status}): {error.get('message')} {error.get('details')}")
        return answer


def _sentences(changes: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{each['kind']} of {each['serverName']} is {each['state']} {each['message']}" for each in changes)
