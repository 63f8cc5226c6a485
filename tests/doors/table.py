"""Every door of the product, and what each person gets there. A door without a row fails `test_doors.py`.

People are in the order of PEOPLE; `expired` is the owner with a token or session that has run out. Statuses are those
of HTTP; sockets answer with OPEN or the code they close with (None: turned away at once), gRPC calls with the name of
a status or of an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.distribution.artifact import agent_artifact

ONE_NODE = {"nodes": [{"id": "n1", "type": 1, "data": {"config": {"image": "nginx:1.29"}}}], "edges": []}
FILE = "format: 1\ngraph: {nodes: [{id: n1, type: 1, data: {config: {image: 'nginx:1.29'}}}], edges: []}\n"
PEOPLE = ("owner", "approver", "editor", "deployer", "viewer", "stranger", "nobody", "expired")

SEES = (200, 200, 200, 200, 200, 404, 401, 401)
ANYONE = (200, 200, 200, 200, 200, 200, 401, 401)
MAKES = (201, 201, 201, 201, 201, 201, 401, 401)
OWN = (200, 404, 404, 404, 404, 404, 401, 401)
# Nobody can use what is asked here: who may is told what is wrong, who may not learns nothing.
REFUSES = (400, 400, 400, 400, 403, 404, 401, 401)
CHANGES_WRONGLY = (400, 400, 400, 403, 403, 404, 401, 401)
MANAGES_WRONGLY = (400, 403, 403, 403, 403, 404, 401, 401)
DEPLOYERS = (200, 200, 200, 200, 403, 404, 401, 401)
CHANGES = (200, 200, 200, 403, 403, 404, 401, 401)
MANAGES = (200, 403, 403, 403, 403, 404, 401, 401)
ADMINISTRATORS = (*(403,) * 6, 401, 401)
ENDS_WRONGLY = (400, 404, 404, 404, 404, 404, 401, 401)
CONFLICTS = (409, 409, 409, 409, 403, 404, 401, 401)
# What ran in the scene is no longer kept.
NOT_KEPT = (404, 404, 404, 404, 403, 404, 401, 401)
APPROVES = (200, 200, 403, 403, 403, 404, 401, 401)
NO_SUCH = (404, 403, 403, 403, 403, 404, 401, 401)
REMOVES = (204, 403, 403, 403, 403, 404, 401, 401)
EVERYBODY = (200, 200, 200, 200, 200, 200, 200, 200)
COMPOSE = {"files": [{"name": "compose.yml", "content": "services: {web: {image: nginx}}"}], "preview": True}
NOBODYS = (404, 404, 404, 404, 404, 404, 401, 401)
NOTHING = (404, 404, 404, 404, 404, 404, 404, 404)


@dataclass(frozen=True, kw_only=True)
class Door:
    """One way in: `path` may name rows of the scene in braces; `answers` in the order of PEOPLE."""

    path: str
    route: str
    answers: tuple[Any, ...]
    method: str = "get"
    body: Any = None
    query: str = ""


def rest(method: str, route: str, answers: tuple[Any, ...], body: Any = None, query: str = "", **at: str) -> Door:
    path = route
    for name, value in {**PLACES, **at}.items():
        path = path.replace(name, value)
    return Door(path=f"/api/{path}", route=route, answers=answers, method=method, body=body, query=query)


# Beside the doors of REST and the admin: these say nothing of anybody's rows. The first one leads to the admin.
OPEN: tuple[Door, ...] = (
    Door(path="/", route="", answers=(302, 302, 302, 302, 302, 302, 302, 302)),
    Door(path="/healthz", route="healthz", answers=EVERYBODY),
    Door(path="/healthz/events", route="healthz/events", answers=EVERYBODY),
    Door(path="/docs/", route="docs/", answers=EVERYBODY),
    Door(path="/docs/index.html", route="docs/<path:path>", answers=EVERYBODY),
    Door(path="/docs/nothing.html", route="docs/<path:path>", answers=NOTHING),
    # Sentences of the scripts: the page to sign in needs them, and they say nothing of this installation.
    Door(path="/words/en-0.js", route="words/<str:language>-<str:mark>.js", answers=EVERYBODY),
    Door(path="/words/xx-0.js", route="words/<str:language>-<str:mark>.js", answers=NOTHING),
    # A host that installs its agent is nobody yet; the one-time token alone admits it.
    Door(path="/agents/install.sh", route="agents/install.sh", answers=EVERYBODY),
    Door(path=f"/agents/runner/{agent_artifact().file_name}", route="agents/runner/<str:name>", answers=EVERYBODY),
    Door(path="/agents/runner/axion-agent-0.tar.gz", route="agents/runner/<str:name>", answers=NOTHING),
    Door(path="/agents/wheels/", route="agents/wheels/", answers=EVERYBODY),
    Door(path="/agents/wheels/nothing.whl", route="agents/wheels/<str:name>", answers=NOTHING),
)


PLACES: Mapping[str, str] = {
    "<uuid:deployment_id>": "{deployment}",
    "<uuid:project_id>": "{project}",
    "<uuid:server_id>": "{server}",
    "<uuid:cluster_id>": "{cluster}",
    "<uuid:agent_id>": "{agent}",
    "<uuid:history_id>": "{history}",
    "<uuid:incident_id>": "{incident}",
    "<uuid:run_id>": "{run}",
    "<uuid:check_id>": "{check}",
    "<uuid:channel_id>": "{channel}",
    "<uuid:registry_id>": "{registry}",
    "<uuid:delivery_id>": "{delivery}",
    "<uuid:invitation_id>": "{invitation}",
    "<uuid:token_id>": "{token}",
    "<uuid:installation_id>": "{installation}",
    "<uuid:rollout_id>": "{rollout}",
    "<uuid:link_id>": "{link}",
    "<uuid:person_id>": "{user}",
    "<uuid:group_id>": "{group}",
    "<int:version>": "1",
    "<str:node_id>": "n-web",
    "<str:name>": "stranger",
}
CHANNEL = {"name": "ops", "kind": "webhook", "address": "https://example.org/hook"}
REGISTRY = {"name": "ours", "address": "registry.example.org:5000", "username": "robot", "password": "secret"}
ITS_REGISTRY = {**REGISTRY, "projectId": "{project}"}
ITS_CHANNEL = {**CHANNEL, "projectId": "{project}"}
TO_SERVER = {"serverId": "{server}"}
REACHES = (400, 400, 400, 400, 403, 404, 401, 401)
VOLUME = {**TO_SERVER, "name": "nobody-has-it"}
ADOPT = {"inspectionId": "{project}", "groups": ["container:x"], "preview": True}
WRONG_ENV = {"projectId": "{project}", **TO_SERVER, "envVars": {"not a name": "x"}}

NODE = "clusters/<uuid:cluster_id>/swarm/nodes/<str:node_id>"

REST: tuple[Door, ...] = (
    rest("get", "deployments", ANYONE),
    rest("get", "deployments", SEES, query="?projectId={project}"),
    rest("post", "deployments", REFUSES, WRONG_ENV),
    rest("get", "deployments/<uuid:deployment_id>", SEES),
    rest("get", "deployments/<uuid:deployment_id>/status", SEES),
    rest("get", "deployments/<uuid:deployment_id>/events", SEES),
    rest("post", "deployments/<uuid:deployment_id>/cancel", (202, 202, 202, 202, 403, 404, 401, 401), {}),
    rest("post", "deployments/<uuid:deployment_id>/rollback", CONFLICTS, {}),
    rest("get", "deployments/<uuid:deployment_id>/rollback/plan", CONFLICTS),
    rest("get", "history/<uuid:history_id>/diff", (409, 409, 409, 409, 409, 404, 401, 401), query="?with={history}"),
    rest("get", "projects", ANYONE),
    rest("get", "search", ANYONE, query="?q=web"),
    rest("post", "projects", MAKES, {"name": "Mine"}),
    rest("get", "projects/<uuid:project_id>", SEES),
    rest("patch", "projects/<uuid:project_id>", CHANGES, {"healthWindow": 5}),
    rest("delete", "projects/<uuid:project_id>", (409, 403, 403, 403, 403, 404, 401, 401)),
    rest("get", "projects/<uuid:project_id>/graph", SEES),
    rest("put", "projects/<uuid:project_id>/graph", CHANGES, ONE_NODE),
    rest("get", "projects/<uuid:project_id>/compose", SEES),
    rest("put", "projects/<uuid:project_id>/compose", CHANGES, COMPOSE),
    rest("get", "projects/<uuid:project_id>/file", SEES),
    rest("put", "projects/<uuid:project_id>/file", CHANGES, {"text": FILE}),
    rest("get", "projects/<uuid:project_id>/graphs", SEES),
    rest("get", "projects/<uuid:project_id>/graphs/<int:version>", SEES),
    rest("get", "projects/<uuid:project_id>/code", SEES),
    rest("put", "projects/<uuid:project_id>/code/<str:node_id>", CHANGES_WRONGLY, b"no tar"),
    rest("delete", "projects/<uuid:project_id>/code/<str:node_id>", (404, 404, 404, 403, 403, 404, 401, 401)),
    # Nobody asked for it, and this is not the project's name.
    rest("get", "projects/<uuid:project_id>/deletion", NOBODYS),
    rest("delete", "projects/<uuid:project_id>/deletion", (409, 403, 403, 403, 403, 404, 401, 401)),
    rest("post", "projects/<uuid:project_id>/deletion", MANAGES_WRONGLY, {"name": "not its name"}),
    rest("get", "projects/<uuid:project_id>/usage", SEES),
    rest("get", "projects/<uuid:project_id>/jobs", SEES),
    rest("get", "projects/<uuid:project_id>/job-runs", SEES),
    rest("get", "projects/<uuid:project_id>/job-runs/<uuid:run_id>", SEES),
    rest("post", "projects/<uuid:project_id>/job-runs/<uuid:run_id>/stop", (202, 202, 202, 202, 403, 404, 401, 401)),
    rest("get", "projects/<uuid:project_id>/reach", SEES),
    # Its graph has no external node.
    rest("post", "projects/<uuid:project_id>/reach", REACHES, TO_SERVER),
    rest("get", "projects/<uuid:project_id>/reach/<uuid:check_id>", SEES),
    rest("get", "projects/<uuid:project_id>/volumes", SEES),
    rest("post", "projects/<uuid:project_id>/volumes/delete", (404, 403, 403, 403, 403, 404, 401, 401), VOLUME),
    rest("get", "projects/<uuid:project_id>/members", SEES),
    rest("put", "projects/<uuid:project_id>/members/<str:name>", MANAGES, {"role": "viewer"}),
    rest("delete", "projects/<uuid:project_id>/members/<str:name>", (204, 403, 403, 403, 403, 404, 401, 401)),
    rest("get", "projects/<uuid:project_id>/groups", SEES),
    # The owner belongs to no group that could be given a role.
    rest("put", "projects/<uuid:project_id>/groups/<str:name>", NO_SUCH, {"role": "viewer"}),
    rest("put", "projects/<uuid:project_id>/groups/<str:name>", MANAGES, {"role": "viewer"}, **{"<str:name>": "crew"}),
    rest("delete", "projects/<uuid:project_id>/groups/<str:name>", REMOVES, **{"<str:name>": "crew"}),
    rest("put", "projects/<uuid:project_id>/owner", MANAGES, {"user": "editor"}),
    rest("get", "projects/<uuid:project_id>/links", SEES),
    rest("post", "projects/<uuid:project_id>/links", (201, 403, 403, 403, 403, 404, 401, 401), {"role": "viewer"}),
    rest("delete", "projects/<uuid:project_id>/links/<uuid:link_id>", REMOVES),
    rest("get", "projects/<uuid:project_id>/audit", SEES),
    # Whoever has the link may use it; here nobody has one.
    rest("post", "join", NOBODYS, {"link": "guessed"}),
    rest("get", "servers/<uuid:server_id>/audit", OWN),
    rest("get", "clusters/<uuid:cluster_id>/audit", OWN),
    # One's own; the row is the owner's.
    rest("get", "people/<uuid:person_id>/audit", OWN),
    rest("get", "people/<uuid:person_id>", OWN),
    # People and groups are for administrators, who are none of these.
    rest("get", "people", ADMINISTRATORS),
    rest("post", "people", ADMINISTRATORS, {"name": "newcomer"}),
    rest("patch", "people/<uuid:person_id>", ADMINISTRATORS, {"administrator": True}),
    rest("post", "people/<uuid:person_id>/password-link", ADMINISTRATORS, {}),
    rest("get", "people/<uuid:person_id>/deletion", ADMINISTRATORS),
    rest("post", "people/<uuid:person_id>/deletion", ADMINISTRATORS, {"name": "owner", "heir": "editor"}),
    rest("get", "groups", ADMINISTRATORS),
    rest("post", "groups", ADMINISTRATORS, {"name": "mine", "people": ["owner"]}),
    rest("get", "groups/<uuid:group_id>", ADMINISTRATORS),
    rest("put", "groups/<uuid:group_id>", ADMINISTRATORS, {"name": "crew", "people": ["owner"]}),
    rest("delete", "groups/<uuid:group_id>", ADMINISTRATORS),
    rest("post", "projects/<uuid:project_id>/plan", DEPLOYERS, TO_SERVER),
    rest("post", "projects/<uuid:project_id>/stop", CONFLICTS, TO_SERVER),
    rest("get", "projects/<uuid:project_id>/stop", CONFLICTS, query="?serverId={server}"),
    rest("get", "projects/<uuid:project_id>/scale", NOT_KEPT, query="?serverId={server}&serviceName=web&replicas=2"),
    rest("post", "projects/<uuid:project_id>/scale", NOT_KEPT, {**TO_SERVER, "serviceName": "web", "replicas": 2}),
    rest("post", "projects/<uuid:project_id>/restart", NOT_KEPT, {**TO_SERVER, "serviceName": "web"}),
    rest("get", "projects/<uuid:project_id>/restart", NOT_KEPT, query="?serverId={server}&serviceName=web"),
    # Nothing of the project was ever seen there, so there is nothing to repair.
    rest("post", "projects/<uuid:project_id>/repair", CONFLICTS, TO_SERVER),
    rest("post", "projects/<uuid:project_id>/repair/plan", CONFLICTS, TO_SERVER),
    rest(
        "post",
        "projects/<uuid:project_id>/repair/leave",
        (404, 404, 404, 404, 403, 404, 401, 401),
        {**TO_SERVER, "serviceName": "web", "aspect": "env"},
    ),
    rest("get", "projects/<uuid:project_id>/history", SEES),
    rest("get", "projects/<uuid:project_id>/lanes", SEES),
    rest("get", "projects/<uuid:project_id>/logs", SEES),
    rest("get", "projects/<uuid:project_id>/targets", SEES),
    rest("put", "projects/<uuid:project_id>/targets/<uuid:server_id>", APPROVES, {}),
    rest("delete", "projects/<uuid:project_id>/targets/<uuid:server_id>", (204, 204, 403, 403, 403, 404, 401, 401)),
    rest("get", "incidents", ANYONE),
    rest("get", "incidents", SEES, query="?projectId={project}"),
    rest("get", "incidents/<uuid:incident_id>", SEES),
    rest("post", "incidents/<uuid:incident_id>/acknowledge", (200, 200, 200, 200, 403, 404, 401, 401), {}),
    rest("post", "incidents/<uuid:incident_id>/mute", (200, 200, 200, 200, 403, 404, 401, 401), {"minutes": 5}),
    rest("get", "stacks", ANYONE),
    rest("get", "stacks", SEES, query="?projectId={project}"),
    rest("get", "projects/<uuid:project_id>/variables", SEES),
    rest("patch", "projects/<uuid:project_id>/variables", DEPLOYERS, {"variables": {"A": "1"}}),
    rest("get", "projects/<uuid:project_id>/variables/file", SEES),
    rest("put", "projects/<uuid:project_id>/variables/file", DEPLOYERS, {"text": "A=1"}),
    rest("get", "projects/<uuid:project_id>/variables/changes", SEES),
    rest("get", "projects/<uuid:project_id>/lanes/<uuid:server_id>/events", SEES),
    rest("get", "notification-channels", ANYONE),
    rest("get", "notification-channels", SEES, query="?projectId={project}"),
    rest("post", "notification-channels", (201, 201, 201, 403, 403, 404, 401, 401), ITS_CHANNEL),
    rest("get", "notification-channels/<uuid:channel_id>", SEES),
    rest("patch", "notification-channels/<uuid:channel_id>", CHANGES, {"reminderMinutes": 5}),
    rest("delete", "notification-channels/<uuid:channel_id>", (204, 204, 204, 403, 403, 404, 401, 401)),
    # Somebody's own, which others may not even know of, whatever they may do with the projects.
    rest("get", "notification-channels/<uuid:channel_id>", OWN, **{"<uuid:channel_id>": "{own_channel}"}),
    rest("post", "notification-channels/<uuid:channel_id>/test", (202, 202, 202, 403, 403, 404, 401, 401), {}),
    rest("post", "notification-channels/<uuid:channel_id>/mute", CHANGES, {"minutes": 5}),
    rest("post", "projects/<uuid:project_id>/mute", CHANGES, {"minutes": 5}),
    rest("get", "notification-channels/<uuid:channel_id>/deliveries", SEES),
    rest("post", "notification-deliveries/<uuid:delivery_id>/repeat", (202, 202, 202, 403, 403, 404, 401, 401), {}),
    # It is the stranger who was invited.
    rest("get", "invitations", ANYONE),
    rest("delete", "invitations/<uuid:invitation_id>", (404, 404, 404, 404, 404, 204, 401, 401)),
    rest("post", "invitations/<uuid:invitation_id>/accept", (404, 404, 404, 404, 404, 200, 401, 401), {}),
    rest("get", "clusters", ANYONE),
    rest("post", "clusters", MAKES, {"name": "mine"}),
    rest("get", "clusters/<uuid:cluster_id>", OWN),
    rest("get", "clusters/<uuid:cluster_id>/builder", OWN),
    rest("put", "clusters/<uuid:cluster_id>/builder", OWN, {"serverId": None}),
    rest("get", "clusters/<uuid:cluster_id>/registry", OWN),
    rest("put", "clusters/<uuid:cluster_id>/registry", OWN, {"registryId": None}),
    rest("get", "registries", ANYONE),
    rest("get", "registries", SEES, query="?projectId={project}"),
    rest("post", "registries", (201, 201, 201, 403, 403, 404, 401, 401), ITS_REGISTRY),
    # For everybody only by an administrator.
    rest("post", "registries", (*(403,) * 6, 401, 401), {**REGISTRY, "everybody": True}),
    rest("get", "registries/<uuid:registry_id>", SEES),
    rest("patch", "registries/<uuid:registry_id>", CHANGES, {"name": "theirs"}),
    rest("delete", "registries/<uuid:registry_id>", (204, 204, 204, 403, 403, 404, 401, 401)),
    rest("post", "registries/<uuid:registry_id>/test", (409, 404, 404, 403, 403, 404, 401, 401), TO_SERVER),
    rest("get", "registries/<uuid:registry_id>", OWN, **{"<uuid:registry_id>": "{own_registry}"}),
    rest("delete", "clusters/<uuid:cluster_id>", (204, 404, 404, 404, 404, 404, 401, 401)),
    rest("get", "clusters/<uuid:cluster_id>/deletion", OWN),
    # Nobody asked for it, and this is nobody's name.
    rest("post", "clusters/<uuid:cluster_id>/deletion", ENDS_WRONGLY, {"name": "not its name", "end": "forget"}),
    rest("delete", "clusters/<uuid:cluster_id>/deletion", (409, 404, 404, 404, 404, 404, 401, 401)),
    rest("get", "servers/<uuid:server_id>/deletion", OWN),
    rest("post", "servers/<uuid:server_id>/deletion", ENDS_WRONGLY, {"name": "not its name", "end": "forget"}),
    rest("delete", "servers/<uuid:server_id>/deletion", (409, 404, 404, 404, 404, 404, 401, 401)),
    rest("get", "clusters/<uuid:cluster_id>/swarm", OWN),
    # The owner is told what is wrong: nothing is a Swarm yet, no agent told of one, no node is known.
    rest("post", "clusters/<uuid:cluster_id>/swarm/form", (400, 404, 404, 404, 404, 404, 401, 401), {"servers": []}),
    rest("post", "clusters/<uuid:cluster_id>/swarm/adopt", (409, 404, 404, 404, 404, 404, 401, 401), TO_SERVER),
    rest("post", "clusters/<uuid:cluster_id>/swarm/join", (409, 404, 404, 404, 404, 404, 401, 401), TO_SERVER),
    rest("post", "clusters/<uuid:cluster_id>/swarm/rotate-tokens", (409, 404, 404, 404, 404, 404, 401, 401), {}),
    rest("get", NODE, (404, 404, 404, 404, 404, 404, 401, 401), query="?action=drain"),
    rest("post", NODE, (404, 404, 404, 404, 404, 404, 401, 401), {"action": "drain"}),
    rest("get", "servers", ANYONE),
    rest("post", "servers", MAKES, {"name": "mine"}),
    rest("get", "servers/<uuid:server_id>", OWN),
    rest("patch", "servers/<uuid:server_id>", OWN, {"host": "10.0.0.1"}),
    rest("delete", "servers/<uuid:server_id>", (409, 404, 404, 404, 404, 404, 401, 401)),
    rest("post", "servers/<uuid:server_id>/enrolment-tokens", (201, 404, 404, 404, 404, 404, 401, 401), {}),
    rest("get", "servers/<uuid:server_id>/projects", OWN),
    rest("delete", "servers/<uuid:server_id>/projects/<uuid:project_id>", (204, 404, 404, 404, 404, 404, 401, 401)),
    # Nothing was ever started there.
    rest("post", "servers/<uuid:server_id>/projects/<uuid:project_id>/stop", NOBODYS, {}),
    rest("get", "servers/<uuid:server_id>/enrolment-tokens", OWN),
    rest(
        "delete",
        "servers/<uuid:server_id>/enrolment-tokens/<uuid:token_id>",
        (204, 404, 404, 404, 404, 404, 401, 401),
        **{"<uuid:token_id>": "{enrolment}"},
    ),
    # Without a login nothing can be installed; whoever may not is told nothing of that.
    rest("post", "servers/<uuid:server_id>/installations", (400, 404, 404, 404, 404, 404, 401, 401), {}),
    rest("get", "servers/<uuid:server_id>/installations", OWN),
    rest("delete", "servers/<uuid:server_id>/ssh-access", (409, 404, 404, 404, 404, 404, 401, 401)),
    rest("get", "installations/<uuid:installation_id>", OWN),
    rest(
        "post",
        "installations/<uuid:installation_id>/confirm",
        (409, 404, 404, 404, 404, 404, 401, 401),
        {"hostKey": "SHA256:"},
    ),
    rest("post", "installations/<uuid:installation_id>/cancel", (202, 404, 404, 404, 404, 404, 401, 401), {}),
    rest("get", "servers/<uuid:server_id>/usage", OWN),
    rest("get", "servers/<uuid:server_id>/containers", OWN),
    rest("post", "servers/<uuid:server_id>/containers", (409, 404, 404, 404, 404, 404, 401, 401), {}),
    rest("post", "servers/<uuid:server_id>/containers/adopt", NOBODYS, ADOPT),
    rest("get", "servers/<uuid:server_id>/volumes", OWN),
    rest(
        "post",
        "servers/<uuid:server_id>/volumes/delete",
        NOBODYS,
        {"name": "nobody-has-it"},
    ),
    rest("get", "agents", ANYONE),
    rest("get", "agents/<uuid:agent_id>", OWN),
    rest(
        "post",
        "agents/updates",
        (404, 404, 404, 404, 404, 404, 401, 401),
        {"servers": ["00000000-0000-4000-8000-000000000000"]},
    ),
    rest("get", "agents/updates", ANYONE),
    rest("get", "agents/updates/<uuid:rollout_id>", OWN),
    rest("post", "agents/updates/<uuid:rollout_id>/cancel", (202, 404, 404, 404, 404, 404, 401, 401), {}),
    rest("delete", "agents/<uuid:agent_id>", (204, 404, 404, 404, 404, 404, 401, 401)),
    # A token makes and ends no tokens: that takes a session.
    rest("post", "tokens", (403, 403, 403, 403, 403, 403, 403, 403), {}),
    rest("get", "tokens", (403, 403, 403, 403, 403, 403, 403, 403)),
    rest("delete", "tokens", (403, 403, 403, 403, 403, 403, 403, 403)),
    rest("delete", "tokens/<uuid:token_id>", (403, 403, 403, 403, 403, 403, 403, 403)),
    rest("get", "schema/", EVERYBODY),
    rest("get", "docs/", EVERYBODY),
    rest("get", "", NOTHING),
)

SOCKETS: Mapping[str, tuple[Any, ...]] = {
    "ws/servers/<uuid:id>/": ("OPEN", *(4404,) * 5, None, 4401),
    "ws/deployments/<uuid:id>/": (*("OPEN",) * 5, 4404, None, 4401),
    "ws/projects/<uuid:id>/": (*("OPEN",) * 5, 4404, None, 4401),
    "ws/projects/<uuid:id>/logs/": (*("OPEN",) * 5, 4404, None, 4401),
}

UNKNOWN = ("UNAUTHENTICATED", "UNAUTHENTICATED")
AGENTS_ONLY = ("UNAUTHENTICATED",) * 8
OWN_AGENT = ("SUCCESS", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", *UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A gRPC call; `fields` may name rows of the scene."""

    answers: tuple[str, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)


CALLS: Mapping[str, Call] = {
    "GetAgentStatus": Call(answers=OWN_AGENT, fields={"agent_id": "{agent}"}),
    "CheckUpdate": Call(answers=OWN_AGENT, fields={"agent_id": "{agent}"}),
    # The owner is told that this one is too old for it.
    "UpdateAgent": Call(
        answers=("CONFLICT", *("NOT_FOUND",) * 5, *UNKNOWN),
        fields={"agent_id": "{agent}"},
    ),
    "ListAgents": Call(answers=(*("SUCCESS",) * 6, *UNKNOWN)),
    # Says of a stranger's deployment what it says of none: that there is nothing to send.
    "DeployProject": Call(
        answers=(*("SUCCESS",) * 6, *UNKNOWN),
        fields={"agent_id": "{agent}", "deployment_id": "{deployment}", "docker_stack_yml": "x"},
    ),
    "GetDeploymentStatus": Call(
        answers=(*("SUCCESS",) * 5, "NOT_FOUND", *UNKNOWN),
        fields={"deployment_id": "{deployment}"},
    ),
    "CancelDeployment": Call(
        answers=(*("OK",) * 4, "PERMISSION_DENIED", "NOT_FOUND", *UNKNOWN),
        fields={"deployment_id": "{deployment}"},
    ),
    "ScaleService": Call(
        answers=(*("NOT_FOUND",) * 4, "PERMISSION_DENIED", "NOT_FOUND", *UNKNOWN),
        fields={"agent_id": "{agent}", "project_id": "{project}", "service_name": "web", "replicas": 2},
    ),
    "StopProject": Call(
        answers=(
            "FAILED_PRECONDITION",
            "FAILED_PRECONDITION",
            "FAILED_PRECONDITION",
            "FAILED_PRECONDITION",
            "PERMISSION_DENIED",
            "NOT_FOUND",
            *UNKNOWN,
        ),
        fields={"agent_id": "{agent}", "project_id": "{project}"},
    ),
    # A user's token is no agent's credential.
    "Heartbeat": Call(answers=AGENTS_ONLY),
    "SendMetrics": Call(answers=AGENTS_ONLY),
    "FetchSecrets": Call(answers=AGENTS_ONLY, fields={"deployment_id": "{deployment}"}),
    "TellContainers": Call(answers=AGENTS_ONLY, fields={"command_id": "{deployment}", "containers": b"{}"}),
    "OfferJoinToken": Call(answers=AGENTS_ONLY, fields={"command_id": "{deployment}", "token": "x"}),
    # What brings its own proof, and what says only that the process serves.
    "RegisterAgent": Call(answers=("UNAUTHORIZED",) * 8, fields={"agent_token": "axe_guess"}),
    "HealthCheck": Call(answers=("OK",) * 8),
}
# Streams: what they refuse is tested with the agents' own sessions.
STREAMS = frozenset({"Session", "StreamMetrics", "StreamLogs", "FetchBundle"})
