"""Every page that a person sees, by what it shows; names in braces are rows of `crowded`."""

from __future__ import annotations

PROJECT, DEPLOYMENT = "/admin/deployments/project/", "/admin/deployments/deployment/"
SERVER, CLUSTER = "/admin/agents/server/", "/admin/agents/cluster/"
INVITATION = "/admin/deployments/projectinvitation/"
AGENT, COMMAND, USER = "/admin/agents/agent/", "/admin/agents/commandrecord/", "/admin/deployments/user/"
TOKEN = "/admin/deployments/apitoken/"
ENROLMENT = "/admin/agents/enrolmenttoken/"

NOTHING_YET = {
    "the first page, empty": "/admin/",
    "no projects": PROJECT,
    "no deployments": DEPLOYMENT,
    "no servers": SERVER,
    "no clusters": CLUSTER,
    "no agents": AGENT,
    "no enrolment tokens": ENROLMENT,
    "no commands": COMMAND,
    "no invitations": INVITATION,
}
CROWDED = {
    "the first page": "/admin/",
    "projects": PROJECT,
    "nothing found": f"{PROJECT}?q=nowhere",
    "a new application": f"{PROJECT}new/",
    "its graph as text": f"{PROJECT}{{project}}/graph/edit/",
    "a new project": f"{PROJECT}add/",
    "a project just made": f"{PROJECT}{{blank}}/change/",
    "its settings": f"{PROJECT}{{project}}/settings/",
    "its history": f"{PROJECT}{{project}}/history/",
    "no history": f"{PROJECT}{{blank}}/history/",
    "versions to compare": f"{PROJECT}{{project}}/history/?from={{older}}",
    "two versions": f"{PROJECT}{{project}}/history/diff/?one={{older}}&other={{newer}}",
    "its servers": f"{PROJECT}{{project}}/targets/",
    "Compose files for it": f"{PROJECT}{{project}}/compose/",
    "its variables": f"{PROJECT}{{project}}/variables/",
    "no variables": f"{PROJECT}{{blank}}/variables/",
    "stop": f"{PROJECT}{{project}}/stop/?target={{target}}",
    "scale": f"{PROJECT}{{project}}/scale/?target={{target}}",
    "scale to nine": f"{PROJECT}{{project}}/scale/?target={{target}}&service={{service}}&replicas=9",
    "deployments": DEPLOYMENT,
    "one that waits": f"{DEPLOYMENT}{{waiting}}/change/",
    "one at work": f"{DEPLOYMENT}{{working}}/change/",
    "one that failed": f"{DEPLOYMENT}{{failed}}/change/",
    "one that went back by itself": f"{DEPLOYMENT}{{restored}}/change/",
    "a success": f"{DEPLOYMENT}{{success}}/change/",
    "a cancel not confirmed": f"{DEPLOYMENT}{{cancelling}}/change/",
    "one being undone": f"{DEPLOYMENT}{{undone}}/change/",
    "a rollback at work": f"{DEPLOYMENT}{{rollback}}/change/",
    "roll back": f"{DEPLOYMENT}{{second}}/rollback/",
    "servers": SERVER,
    "a new server": f"{SERVER}add/",
    "a server": f"{SERVER}{{server}}/change/",
    "what runs there": f"{SERVER}{{server}}/projects/",
    "a token for it": f"{SERVER}{{server}}/new-enrolment-token/",
    "enrolment tokens": ENROLMENT,
    "an enrolment token": f"{ENROLMENT}{{enrolment}}/change/",
    "clusters": CLUSTER,
    "a new cluster": f"{CLUSTER}add/",
    "a cluster": f"{CLUSTER}{{cluster}}/change/",
    "agents": AGENT,
    "an agent": f"{AGENT}{{agent}}/change/",
    "its end": f"{AGENT}{{agent}}/revoke/",
    "commands": COMMAND,
    "a command": f"{COMMAND}{{command}}/change/",
    "API tokens": TOKEN,
    "a new API token": f"{TOKEN}add/",
    "an API token": f"{TOKEN}{{token}}/change/",
    "its end at once": f"{TOKEN}{{token}}/delete/",
    "the password again": "/admin/confirm/?next=/admin/",
    "invitations": INVITATION,
    "an invitation": f"{INVITATION}{{invitation}}/change/",
    "accept it": f"{INVITATION}{{invitation}}/accept/",
    "decline it": f"{INVITATION}{{invitation}}/decline/",
    "users": USER,
    "a user": f"{USER}{{user}}/change/",
    "another password": "/admin/password_change/",
    "no such page": f"{PROJECT}nothing-here/",
    "the page of the API": "/api/docs/",
    # The last one: its dialog is looked at, too.
    "a project": f"{PROJECT}{{project}}/change/",
}
