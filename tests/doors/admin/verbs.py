"""Every verb of the admin's pages with a form that its page would send, and who may do it. Rows stand in braces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROJECT, DEPLOYMENT = "/admin/deployments/project/{project}/", "/admin/deployments/deployment/"
SERVER, CLUSTER = "/admin/agents/server/{server}/", "/admin/agents/cluster/{cluster}/"
CHANNEL, REGISTRY = "/admin/deployments/notificationchannel/", "/admin/deployments/registry/"
INCIDENT = "/admin/deployments/incident/{incident}/"
USER = "/admin/deployments/user/{guest}/"

# By role, each with those that may do more.
OWNER = ("owner",)
APPROVERS = (*OWNER, "approver")
EDITORS = (*APPROVERS, "editor")
DEPLOYERS = (*EDITORS, "deployer")
MEMBERS = (*DEPLOYERS, "viewer")
ROOT = ("root",)
NOTHING_TRIED = "The server's agent is not connected, so nothing can be tried from there."
NOT_CHECKED = "so it cannot be checked whether the volume is in use"


@dataclass(frozen=True, kw_only=True)
class Verb:
    """`free`: fields that may hold anything, or nothing.

    `refused`: what is said even to who may, as the project and its servers are. `away`: what is said while no agent
    answers, empty where that is no matter; it is refused then.
    `again`: what is said of the same form a second time, by another person; empty where it is done again.
    """

    name: str
    path: str
    may: tuple[str, ...]
    form: dict[str, Any] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    refused: str = ""
    away: str = ""
    again: str = ""


def of_project(name: str, page: str, may: tuple[str, ...], form: dict[str, Any] | None = None, **more: Any) -> Verb:
    return Verb(name=name, path=f"{PROJECT}{page}", may=may, form=form or {}, **more)


VERBS: tuple[Verb, ...] = (
    of_project("deploy", "deploy/", DEPLOYERS, {"target": "{target}"}),
    Verb(name="cancel", path=f"{DEPLOYMENT}{{working}}/cancel/", may=DEPLOYERS),
    Verb(name="roll back", path=f"{DEPLOYMENT}{{second}}/rollback/", may=DEPLOYERS, form={"to": "{first}"},
         away="The agent of its host is out of reach."),
    of_project("stop", "stop/", DEPLOYERS, {"target": "{target}"}),
    of_project("restart", "restart/", DEPLOYERS, {"target": "{target}", "service": "web"}),
    of_project("run a job", "restart/", DEPLOYERS, {"target": "{target}", "service": "report"}),
    of_project("scale", "scale/", DEPLOYERS, {"target": "{target}", "service": "web", "replicas": "3"}),
    of_project("edit the graph", "graph/edit/", EDITORS, {"do": "save", "text": "{graph}"}),
    of_project("import Compose", "compose/", EDITORS, {"do": "store", "text": "services: {web: {image: 'nginx:1'}}"}),
    of_project("remove code", "code/", EDITORS, {"remove": "n-web"}),
    of_project(
        "set a variable", "variables/", DEPLOYERS,
        {"do": "set", "place": "project:", "name": "GREETING", "value": "hi"},
    ),
    of_project("remove a variable", "variables/", DEPLOYERS, {"do": "remove", "place": "project:", "name": "KEPT"}),
    of_project("import variables", "variables/", DEPLOYERS, {"do": "file", "place": "project:", "text": "ONE=1\n"}),
    of_project("stop a run", "jobs/", DEPLOYERS, {"run": "{run}"}),
    of_project("check external nodes", "reach/", DEPLOYERS, {"target": "{target}", "node": "n-db"}, away=NOTHING_TRIED),
    of_project("allow a server", "targets/", ("owner",), {"do": "allow", "server": "{fresh}"}),
    of_project("end the use of a server", "targets/", APPROVERS, {"do": "end", "server": "{server}"}),
    of_project("share", "people/", OWNER, {"do": "member", "name": "guest", "role": "deployer"}, free=("name",)),
    of_project("change a role", "people/", OWNER, {"do": "member", "name": "viewer", "role": "editor"}, free=("name",)),
    of_project("remove a member", "people/", OWNER, {"do": "remove", "name": "viewer"}),
    of_project("give a group a role", "people/", OWNER, {"do": "group", "name": "crew", "role": "viewer"}),
    of_project("remove a group", "people/", OWNER, {"do": "remove-group", "name": "crew"}),
    of_project("make a link", "people/", OWNER, {"do": "link", "role": "viewer"}),
    of_project("withdraw a link", "people/", OWNER, {"do": "withdraw", "link": "{link}"}),
    of_project("change the owner", "people/", OWNER, {"do": "owner", "name": "editor"}),
    of_project("leave", "people/", ("editor", "deployer", "viewer"), {"do": "leave"}),
    of_project(
        "delete a project", "deletion/", OWNER, {"typed": "Voting"},
        refused="A deployment of the project is not finished.",
    ),
    of_project(
        "delete a volume", "volumes/", OWNER, {"server": "{server}", "volume": "left-over", "typed": "left-over"},
        away=NOT_CHECKED,
    ),
    Verb(name="acknowledge", path=f"{INCIDENT}acknowledge/", may=DEPLOYERS),
    Verb(name="mute an incident", path=f"{INCIDENT}mute/", may=DEPLOYERS, form={"minutes": "60"}),
    Verb(name="mute a project", path=f"{INCIDENT}mute/", may=EDITORS, form={"minutes": "60", "whole_project": "1"},
         free=("whole_project",)),
    Verb(name="test a channel", path=f"{CHANNEL}{{channel}}/test/", may=EDITORS),
    Verb(name="mute a channel", path=f"{CHANNEL}{{channel}}/mute/", may=EDITORS, form={"minutes": "60"}),
    Verb(name="delete a channel", path=f"{CHANNEL}{{channel}}/remove/", may=EDITORS),
    Verb(
        name="repeat a delivery", path=f"{CHANNEL}{{channel}}/repeat/", may=EDITORS, form={"delivery": "{delivery}"}
    ),
    Verb(
        name="change a registry", path=f"{REGISTRY}{{registry}}/edit/", may=EDITORS,
        form={"name": "other", "namespace": "axion", "username": "robot"}, free=("name", "namespace", "username"),
    ),
    Verb(name="delete a registry", path=f"{REGISTRY}{{registry}}/remove/", may=EDITORS),
    Verb(name="test a registry", path=f"{REGISTRY}{{registry}}/test/", may=OWNER, form={"server": "{server}"},
         away=NOTHING_TRIED),
    Verb(name="drain", path=f"{SERVER}overview/", may=OWNER, form={"do": "drain"}),
    Verb(name="end a drain", path="/admin/agents/server/{drained}/overview/", may=OWNER, form={"do": "end_drain"}),
    Verb(name="label", path=f"{SERVER}overview/", may=OWNER, form={"do": "labels", "labels": "tier=web"},
         free=("labels",)),
    Verb(name="update an agent", path=f"{SERVER}overview/", may=OWNER, form={"do": "update"}),
    Verb(name="stop on a server", path=f"{SERVER}projects/", may=OWNER, form={"do": "stop", "project": "{project}"}),
    Verb(name="forbid", path=f"{SERVER}projects/", may=OWNER, form={"do": "forbid", "project": "{project}"}),
    Verb(name="add a server", path="/admin/agents/server/add/", may=(*MEMBERS, "stranger"),
         form={"name": "box", "host": "box.example", "port": "22", "username": "root"},
         free=("name", "host", "port", "username")),
    Verb(name="a token for an agent", path=f"{SERVER}new-enrolment-token/", may=OWNER, form={"replace": "yes"}),
    Verb(
        name="install an agent", path=f"{SERVER}install/", may=OWNER,
        form={"do": "install", "host": "box.example", "port": "22", "username": "root", "password": "x",
              "gateway": "https://box.example:50051", "replace": "on"}, free=("host",),
    ),
    Verb(
        name="uninstall an agent", path=f"{SERVER}install/", may=OWNER,
        form={"do": "uninstall", "host": "box.example", "port": "22", "username": "root", "password": "x",
              "gateway": "https://box.example:50051"}, free=("host", "gateway"),
    ),
    Verb(name="cancel an installation", path="/admin/agents/server/{fresh}/installation/state/", may=OWNER,
         form={"do": "cancel", "installation": "{installation}"}),
    Verb(name="forget a host key", path=f"{SERVER}installation/state/", may=OWNER, form={"do": "forget"},
         refused="No host key of this server is stored"),
    Verb(name="delete a volume there", path=f"{SERVER}volumes/", may=OWNER,
         form={"server": "{server}", "volume": "left-over", "typed": "left-over"}, free=("server",), away=NOT_CHECKED),
    Verb(name="cancel a rollout", path="/admin/agents/server/updates/", may=OWNER,
         form={"do": "cancel", "rollout": "{rollout}"}),
    Verb(name="look at containers", path=f"{SERVER}containers/", may=OWNER, form={"do": "look"},
         away="so nobody can look at its containers"),
    Verb(
        name="adopt", path=f"{SERVER}containers/", may=OWNER,
        form={"do": "adopt", "inspection": "{inspection}", "group": "{group_key}", "name": "Adopted"}, free=("name",),
    ),
    Verb(name="delete a server", path=f"{SERVER}deletion/", may=OWNER, form={"typed": "server-1", "end": "forget"}),
    Verb(name="revoke an agent", path="/admin/agents/agent/{agent}/revoke/", may=OWNER),
    Verb(name="end a token", path="/admin/agents/enrolmenttoken/{enrolment}/delete/", may=OWNER, form={"post": "yes"}),
    Verb(
        name="form a swarm", path=f"{CLUSTER}nodes/", may=OWNER,
        form={"do": "form", "server": "{spare}", "role-{spare}": "manager"},
        refused="has not reported which Swarm its engine is in", away="The agent of spare is not connected.",
    ),
    Verb(name="adopt a swarm", path=f"{CLUSTER}nodes/", may=OWNER, form={"do": "adopt", "server": "{spare}"},
         refused="does not say that it manages a Swarm"),
    Verb(
        name="join a swarm", path="/admin/agents/cluster/{formed}/nodes/", may=OWNER,
        form={"do": "join", "server": "{spare}", "role-{spare}": "worker"},
        refused="has not reported which Swarm its engine is in", away="The agent of spare is not connected.",
    ),
    Verb(name="rotate tokens", path="/admin/agents/cluster/{formed}/nodes/", may=OWNER, form={"do": "rotate"}),
    Verb(
        name="drain a node", path="/admin/agents/cluster/{formed}/nodes/", may=OWNER,
        form={"do": "node", "node": "n5", "action": "drain", "confirmed": "1"}, free=("confirmed",),
    ),
    Verb(name="choose a builder", path=f"{CLUSTER}nodes/", may=OWNER, form={"do": "images", "builder": "{spare}"},
         free=("builder",)),
    Verb(name="delete a cluster", path=f"{CLUSTER}deletion/", may=OWNER, form={"typed": "all", "end": "forget"}),
    Verb(
        name="invite a person", path="/admin/deployments/user/add/", may=ROOT,
        form={"username": "newcomer", "email": "new@example.org"}, free=("username",),
    ),
    Verb(name="a link for a person", path=f"{USER}password-link/", may=ROOT),
    Verb(name="delete a person", path=f"{USER}delete/", may=ROOT, form={"name": "guest", "heir": "owner"}),
    Verb(
        name="accept an invitation", path="/admin/deployments/projectinvitation/{invitation}/accept/",
        may=("stranger",),
    ),
    Verb(
        name="decline an invitation", path="/admin/deployments/projectinvitation/{invitation}/decline/",
        may=("stranger",),
    ),
    Verb(name="add a project", path="/admin/deployments/project/new/", may=(*MEMBERS, "stranger", "root"),
         form={"name": "Mine", "image": "nginx:1", "port": "80", "hostPort": "8080"}, free=("name", "image")),
)  # fmt: skip
