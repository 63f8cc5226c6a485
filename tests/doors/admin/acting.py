"""A project at work, rows for every verb of the pages, and what doing one leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from html import unescape
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.utils import timezone

from agents.contracts.version import PROTOCOL
from agents.models import Agent, Cluster, Server
from agents.runner.commands.registry import COMMANDS
from deployments.data.variable_types import PROJECT_WIDE
from deployments.models import Adoption, ObservedHost, ObservedVolumes, Project, ProjectInvitation
from deployments.repositories.people import link_rows
from deployments.services.fleet import machine_list
from deployments.services.projects import project_variables, sources
from deployments.services.secrets import sealing
from tests import factories
from tests.deployments.lane import Lane, graph_of_images
from tests.doors.admin.verbs import Verb
from tests.doors.browser.crowded_cluster import a_formed_cluster
from tests.doors.people import People

_WEB = {"serviceName": "web", "config": {"image": "nginx:9"}}
EDITED = {"nodes": [{"id": "n1", "type": 1, "data": _WEB}], "edges": []}
UNDERSTOOD = {name: kind.version for name, kind in COMMANDS.items()}
# When somebody signed in last stands there; what is done to people is in the audit log, too.
NOT_COUNTED = {"users"}
Fingerprint = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Done:
    """What came of a verb: the status, what the next page says, and whether anything is stored otherwise."""

    status: int
    said: str
    changed: bool


@dataclass(frozen=True)
class Acting:
    people: People
    lane: Lane
    rows: Mapping[str, str]

    def fill(self, text: Any) -> Any:
        if isinstance(text, Mapping):
            return {self.fill(name): self.fill(value) for name, value in text.items()}
        for name, row in self.rows.items():
            text = text.replace(f"{{{name}}}", row) if isinstance(text, str) else text
        return text

    @cached_property
    def untouched(self) -> Fingerprint:
        """What is stored before anything is tried out; of a copy, before anything is with that one."""
        return fingerprint()

    def do(
        self, verb: Verb, who: str, *, form: Mapping[str, Any] | None = None, before: Fingerprint | None = None
    ) -> Done:
        """Post the verb's form, or this one; nothing is undone."""
        browser = self.people.browser(who)
        before = before or fingerprint()
        answer = browser.post(self.fill(verb.path), self.fill(dict(verb.form if form is None else form)))
        return Done(status=answer.status_code, said=said_by(answer), changed=fingerprint() != before)

    def try_out(self, verb: Verb, who: str, **more: Any) -> Done:
        """As `do`, and as if it had not been done."""
        with transaction.atomic():
            done = self.do(verb, who, before=self.untouched, **more)
            transaction.set_rollback(True)
        return done


def fingerprint() -> Fingerprint:
    """Return what every table of ours holds, in one statement."""
    models = [model for label in ("agents", "deployments") for model in apps.get_app_config(label).get_models()]
    tables = sorted({model._meta.db_table for model in models} - NOT_COUNTED)
    asked = " UNION ALL ".join(
        f"SELECT '{table}', md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM {table} x"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return tuple(cursor.fetchall())


def said_by(answer: Any) -> str:
    """Return the messages for the next page, and what stands in the alerts of this one."""
    told = [str(each) for each in get_messages(answer.wsgi_request)]
    if answer.status_code == 200 and not answer.streaming:
        page = answer.content.decode()
        alerts = re.findall(r'role="alert"[^>]*>(.*?)</(?:div|section|p|ul)>', page, re.DOTALL)
        alerts += re.findall(r'class="[^"]*errorlist[^"]*"[^>]*>(.*?)</ul>', page, re.DOTALL)
        alerts += re.findall(r'class="[^"]*text-red[^"]*"[^>]*>(.*?)</', page, re.DOTALL)
        told += alerts
    elif answer.status_code >= 400:
        told += re.findall(r"<h1[^>]*>(.*?)</h1>", answer.content.decode(), re.DOTALL)
    words = " / ".join(told)
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", words).split()))


def acting_of(people: People, project: Project, server: Server) -> Acting:
    """Two versions were deployed; a third deployment is at work on another server."""
    owner = people.users["owner"]
    guest = factories.make_user("guest", is_staff=True)
    factories.make_server(guest, name="guests")
    spare = factories.make_server(owner, name="spare")
    agents = [_connected(each) for each in (server, spare)]
    for each in (server, spare):
        factories.grant(project, each)
    lane = Lane(owner=owner, project_id=project.id, server=server, agent=agents[0])
    _store(lane, web="web:1")
    first = lane.deployed()
    _store(lane, web="web:2")
    second = lane.deployed()
    busy = Lane(owner=owner, project_id=project.id, server=spare, agent=agents[1])
    working = busy.start(busy.ask())
    rows = {
        "project": project.id, "server": server.id, "spare": spare.id, "agent": agents[0].id, "guest": guest.id,
        "target": f"server:{server.id}", "first": first.id, "second": second.id, "working": working.id,
        "graph": json.dumps(EDITED), **_belongings(lane, project),
    }  # fmt: skip
    return Acting(people=people, lane=lane, rows={name: str(row) for name, row in rows.items()})


def _connected(server: Server) -> Agent:
    agent = factories.make_agent(server)
    session_id = uuid4()
    Agent.objects.filter(pk=agent.pk).update(
        session_id=session_id, protocol=PROTOCOL, version="0.3.0", understands=UNDERSTOOD
    )
    ObservedHost.objects.create(agent_id=agent.pk, session_id=session_id, observed_at=datetime.now(UTC))
    return agent


def _store(lane: Lane, **images: str) -> None:
    graph = graph_of_images(**images)
    job = {"serviceName": "report", "config": {"image": "report:1", "run": "by-hand"}}
    elsewhere = {"databaseType": "postgresql", "external": "true", "host": "db.example.org", "password": "x"}
    outside = {"serviceName": "db", "config": elsewhere}
    graph["nodes"] += [{"id": "n-report", "type": 1, "data": job}, {"id": "n-db", "type": 2, "data": outside}]
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=graph)


def _belongings(lane: Lane, project: Project) -> dict[str, Any]:
    """Rows that belong to the project, the server and people."""
    server, owner, at = lane.server, lane.owner, timezone.now()
    project_variables.change_variables(
        caller=lane.caller, project_id=project.id, place=PROJECT_WIDE, values={"KEPT": "x"}, at=at
    )
    sources.store_code(caller=lane.caller, project_id=project.id, node_id="n-web", content=factories.code_tar())
    ObservedVolumes.objects.create(
        agent_id=lane.agent.id, server_id=server.id, session_id=uuid4(), observed_at=at,
        volumes=[{"name": "left-over", "project": str(project.id), "created": 0, "size": None, "usedBy": []}],
    )  # fmt: skip
    channel = factories.make_channel(project=project)
    machine_list.issue_enrolment_token(caller=lane.caller, server_id=server.id, replace=True)
    fresh, drained = (factories.make_server(owner, name=name) for name in ("fresh", "drained"))
    Server.objects.filter(pk=drained.pk).update(drained_at=at)
    managing = factories.make_server(owner, name="managing")
    formed = a_formed_cluster(owner, agent_id=_connected(managing).pk, name="swarm")
    stranger = ProjectInvitation.objects.create(project=project, name="stranger", invited_by=owner, created_at=at)
    inspection, group = _inspected(lane)
    return {
        "cluster": Cluster.objects.create(owner=owner, name="all").pk,
        "incident": factories.make_incident(project, server).pk,
        "run": factories.make_job_run(project, server).pk,
        "channel": channel.pk,
        "delivery": factories.make_delivery(channel).id,
        "registry": factories.make_registry(project=project).pk,
        "link": link_rows.add(created_by=owner.pk, at=at, project_id=project.id, role="viewer")[0].id,
        "enrolment": machine_list.list_enrolment_tokens(caller=lane.caller, server_id=server.id)[0].id,
        "invitation": stranger.pk,
        "fresh": fresh.pk,
        "drained": drained.pk,
        "formed": formed.pk,
        "installation": factories.make_installation(fresh).id,
        "rollout": factories.make_rollout(server).pk,
        "inspection": inspection,
        "group_key": group,
    }  # fmt: skip


def _inspected(lane: Lane) -> tuple[Any, str]:
    """A look at the server that found one container of somebody else's."""
    adoption_id = uuid4()
    found = {
        "id": "0" * 64, "name": "shop-web-1", "host": {}, "mounts": [],
        "config": {"Image": "nginx:1", "Labels": {"com.docker.compose.project": "shop",
                                                   "com.docker.compose.service": "web"}},
    }  # fmt: skip
    content = json.dumps({"containers": [found], "left_out": 0})
    Adoption.objects.create(
        id=adoption_id, server_id=lane.server.id, server_name=lane.server.name, state="described",
        message="1 container was described.", sealed=sealing.seal_told(told=content, adoption_id=adoption_id),
        requested_by_id=lane.owner.pk, requested_by_name="owner", requested_at=timezone.now(),
        told_at=timezone.now(), deadline_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return adoption_id, "project:shop"
