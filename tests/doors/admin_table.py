"""Every page and action of the admin, and what each person gets there; people and statuses as in `table`."""

from __future__ import annotations

from collections.abc import Iterable

from tests.doors.table import Door

# Signed in but for the last two, who are sent to sign in.
STAFF = (200, 200, 200, 200, 200, 200, 302, 302)
PROJECTS = (200, 200, 200, 200, 200, 404, 302, 302)
CLOSED = (403, 403, 403, 403, 403, 403, 302, 302)
LEADS_ON = (302, 302, 302, 302, 302, 302, 302, 302)
NOTHING = (404, 404, 404, 404, 404, 404, 302, 302)
NOT_THERE = (404,) * 8
OPEN = (200,) * 8
OWN = (200, 302, 302, 302, 302, 302, 302, 302)
OWN_OR_NOTHING = (200, 404, 404, 404, 404, 404, 302, 302)
# Back to the project's page, with the refusal on it for whoever may not do this.
ACTS = (302, 302, 302, 302, 302, 404, 302, 302)


def page(route: str, answers: tuple[int, ...], row: str = "", *, method: str = "get", query: str = "") -> Door:
    """`row` fills the route's place for an id."""
    path = route
    for place in ("<uuid:object_id>", "<path:object_id>", "<id>", "<str:text>", "<uidb64>", "<token>"):
        path = path.replace(place, row or "nothing")
    return Door(
        path=f"/admin/{path}",
        route=route,
        answers=answers,
        method=method,
        body={} if method == "post" else None,
        query=query,
    )


def act(route: str, answers: tuple[int, ...], row: str = "") -> Door:
    return page(route, answers, row, method="post")


def usual(model: str, row: str, *, listed: tuple[int, ...], read: tuple[int, ...], written: bool) -> Iterable[Door]:
    """What Django offers for every model: list, add, history, delete, change, and the short address."""
    one = f"{model}/<path:object_id>/"
    return (
        page(f"{model}/", listed),
        page(f"{model}/add/", STAFF if written else CLOSED),
        page(f"{one}delete/", CLOSED, row),
        act(f"{one}delete/", CLOSED, row),
        page(f"{one}change/", read, row),
        page(one, LEADS_ON, row),
    )


def history(model: str, row: str, answers: tuple[int, ...]) -> Door:
    return page(f"{model}/<path:object_id>/history/", answers, row)


DEPLOYMENTS, ONE = "deployments/deployment", "deployments/deployment/<uuid:object_id>/"
SITE: tuple[Door, ...] = (
    page("", STAFF),
    page("login/", (302, 302, 302, 302, 302, 302, 200, 200)),
    page("search/", STAFF),
    page("confirm/", STAFF),
    act("confirm/", STAFF),
    act("logout/", (200, 200, 200, 200, 200, 200, 302, 302)),
    page("password_change/", STAFF),
    page("password_change/done/", STAFF),
    page("activity/", STAFF),
    page("language/", STAFF),
    act("language/", LEADS_ON),
    # A link that nobody has.
    page("join/<str:text>/", NOTHING),
    act("join/<str:text>/", NOTHING),
    page("password/<str:text>/", NOT_THERE),
    act("password/<str:text>/", NOT_THERE),
    # A forgotten password is a matter of people who are not signed in.
    page("forgotten/", OPEN),
    act("forgotten/", OPEN),
    page("forgotten/sent/", OPEN),
    page("forgotten/<uidb64>/<token>/", OPEN),
    page("autocomplete/", CLOSED),
    page("jsi18n/", STAFF),
    Door(path="/admin/r/1/{project}/", route="r/<path:content_type_id>/<path:object_id>/", answers=NOTHING),
    Door(path="/admin/agents/", route="^(?P<app_label>deployments|agents)/$", answers=STAFF),
    Door(path="/admin/nothing-here", route="(?P<url>.*)$", answers=NOTHING),
)
OF_DEPLOYMENTS: tuple[Door, ...] = (
    page(f"{DEPLOYMENTS}/now/", STAFF),
    page(f"{ONE}state/", PROJECTS, "{deployment}"),
    page(f"{ONE}links/", PROJECTS, "{deployment}"),
    page(f"{ONE}files/", PROJECTS, "{deployment}"),
    page(f"{ONE}log/", PROJECTS, "{deployment}"),
    act(f"{ONE}cancel/", ACTS, "{deployment}"),
    page(f"{ONE}rollback/", (200, 200, 200, 200, 302, 404, 302, 302), "{earlier}"),
    act(f"{ONE}rollback/", ACTS, "{earlier}"),
    history(DEPLOYMENTS, "{deployment}", (200, 200, 200, 200, 200, 302, 302, 302)),
    *usual(DEPLOYMENTS, "{deployment}", listed=STAFF, read=PROJECTS, written=False),
)
PROJECT_MODEL, ITS = "deployments/project", "deployments/project/<uuid:object_id>/"
OF_PROJECTS: tuple[Door, ...] = (
    page(f"{PROJECT_MODEL}/new/", STAFF),
    act(f"{PROJECT_MODEL}/new/", STAFF),
    page(f"{ITS}graph/edit/", PROJECTS, "{project}"),
    act(f"{ITS}graph/edit/", PROJECTS, "{project}"),
    page(f"{ITS}graph/file/", PROJECTS, "{project}"),
    page(f"{ITS}settings/", (200, 200, 200, 200, 200, 302, 302, 302), "{project}"),
    act(f"{ITS}settings/", (200, 200, 200, 403, 403, 302, 302, 302), "{project}"),
    page(f"{ITS}state/", PROJECTS, "{project}"),
    act(f"{ITS}plan/", (400, 400, 400, 400, 400, 404, 302, 302), "{project}"),
    act(f"{ITS}deploy/", ACTS, "{project}"),
    page(f"{ITS}history/", PROJECTS, "{project}"),
    page(f"{ITS}logs/", PROJECTS, "{project}"),
    page(f"{ITS}history/diff/", NOTHING, "{project}"),
    page(f"{ITS}stop/", ACTS, "{project}"),
    act(f"{ITS}stop/", ACTS, "{project}"),
    page(f"{ITS}restart/", ACTS, "{project}"),
    act(f"{ITS}restart/", ACTS, "{project}"),
    page(f"{ITS}scale/", ACTS, "{project}"),
    act(f"{ITS}scale/", ACTS, "{project}"),
    page(f"{ITS}repair/", ACTS, "{project}"),
    act(f"{ITS}repair/", ACTS, "{project}"),
    act(f"{ITS}leave/", ACTS, "{project}"),
    act(f"{ITS}graph/", ACTS, "{project}"),
    act(f"{ITS}code/", ACTS, "{project}"),
    page(f"{ITS}compose/", PROJECTS, "{project}"),
    page(f"{ITS}file/", PROJECTS, "{project}"),
    act(f"{ITS}file/", ACTS, "{project}"),
    page(f"{ITS}compose/files/", PROJECTS, "{project}"),
    act(f"{ITS}compose/", PROJECTS, "{project}"),
    page(f"{ITS}targets/", PROJECTS, "{project}"),
    act(f"{ITS}targets/", ACTS, "{project}"),
    page(f"{ITS}people/", PROJECTS, "{project}"),
    act(f"{ITS}people/", ACTS, "{project}"),
    page(f"{ITS}activity/", PROJECTS, "{project}"),
    page(f"{ITS}deletion/", (200, 302, 302, 302, 302, 404, 302, 302), "{project}"),
    act(f"{ITS}deletion/", ACTS, "{project}"),
    page(f"{ITS}usage/", PROJECTS, "{project}"),
    page(f"{ITS}jobs/", PROJECTS, "{project}"),
    act(f"{ITS}jobs/", ACTS, "{project}"),
    page(f"{ITS}usage/state/", PROJECTS, "{project}"),
    page(f"{ITS}reach/", PROJECTS, "{project}"),
    act(f"{ITS}reach/", ACTS, "{project}"),
    page(f"{ITS}volumes/", PROJECTS, "{project}"),
    act(f"{ITS}volumes/", ACTS, "{project}"),
    page(f"{ITS}variables/", PROJECTS, "{project}"),
    act(f"{ITS}variables/", ACTS, "{project}"),
    history(PROJECT_MODEL, "{project}", PROJECTS),
    *usual(PROJECT_MODEL, "{project}", listed=STAFF, read=PROJECTS, written=True),
)
INCIDENT, THE_INCIDENT = "deployments/incident", "deployments/incident/<uuid:object_id>/"
OF_INCIDENTS: tuple[Door, ...] = (
    act(f"{THE_INCIDENT}acknowledge/", ACTS, "{incident}"),
    act(f"{THE_INCIDENT}mute/", ACTS, "{incident}"),
    history(INCIDENT, "{incident}", (200, 200, 200, 200, 200, 302, 302, 302)),
    *usual(INCIDENT, "{incident}", listed=STAFF, read=PROJECTS, written=False),
)
CHANNEL, THE_CHANNEL = "deployments/notificationchannel", "deployments/notificationchannel/<uuid:object_id>/"
OF_CHANNELS: tuple[Door, ...] = (
    act(f"{CHANNEL}/add/", STAFF),
    page(f"{THE_CHANNEL}edit/", PROJECTS, "{channel}"),
    act(f"{THE_CHANNEL}edit/", PROJECTS, "{channel}"),
    act(f"{THE_CHANNEL}test/", ACTS, "{channel}"),
    act(f"{THE_CHANNEL}mute/", ACTS, "{channel}"),
    act(f"{THE_CHANNEL}remove/", ACTS, "{channel}"),
    act(f"{THE_CHANNEL}repeat/", ACTS, "{channel}"),
    history(CHANNEL, "{channel}", (200, 200, 200, 200, 200, 302, 302, 302)),
    history(CHANNEL, "{own_channel}", OWN),
    *usual(CHANNEL, "{channel}", listed=STAFF, read=PROJECTS, written=True),
)
REGISTRY, THE_REGISTRY = "deployments/registry", "deployments/registry/<uuid:object_id>/"
OF_REGISTRIES: tuple[Door, ...] = (
    act(f"{REGISTRY}/add/", STAFF),
    # Without a name: shown again, to members without the form.
    act(f"{THE_REGISTRY}edit/", PROJECTS, "{registry}"),
    act(f"{THE_REGISTRY}test/", ACTS, "{registry}"),
    act(f"{THE_REGISTRY}remove/", ACTS, "{registry}"),
    history(REGISTRY, "{registry}", (200, 200, 200, 200, 200, 302, 302, 302)),
    history(REGISTRY, "{own_registry}", OWN),
    *usual(REGISTRY, "{registry}", listed=STAFF, read=PROJECTS, written=True),
)
TOKEN = "deployments/apitoken"
# One's own alone; the row is the owner's.
OF_TOKENS: tuple[Door, ...] = (
    history(TOKEN, "{token}", OWN),
    page(f"{TOKEN}/", STAFF),
    page(f"{TOKEN}/add/", STAFF),
    page(f"{TOKEN}/<path:object_id>/delete/", OWN, "{token}"),
    act(f"{TOKEN}/<path:object_id>/delete/", OWN, "{token}"),
    page(f"{TOKEN}/<path:object_id>/change/", OWN, "{token}"),
    page(f"{TOKEN}/<path:object_id>/", LEADS_ON, "{token}"),
)
INVITATION, ITS_ANSWER = "deployments/projectinvitation", "deployments/projectinvitation/<path:object_id>/"
# It is the stranger who was invited.
INVITED = (302, 302, 302, 302, 302, 200, 302, 302)
OF_INVITATIONS: tuple[Door, ...] = (
    page(f"{ITS_ANSWER}accept/", (404, 404, 404, 404, 404, 200, 302, 302), "{invitation}"),
    act(f"{ITS_ANSWER}accept/", (404, 404, 404, 404, 404, 302, 302, 302), "{invitation}"),
    page(f"{ITS_ANSWER}decline/", (404, 404, 404, 404, 404, 200, 302, 302), "{invitation}"),
    act(f"{ITS_ANSWER}decline/", (404, 404, 404, 404, 404, 302, 302, 302), "{invitation}"),
    history(INVITATION, "{invitation}", INVITED),
    *usual(INVITATION, "{invitation}", listed=STAFF, read=INVITED, written=False),
)
USER = "deployments/user"
OF_USERS: tuple[Door, ...] = (
    page(f"{USER}/<id>/password/", CLOSED, "{user}"),
    act(f"{USER}/<id>/password/", CLOSED, "{user}"),
    page(f"{USER}/<path:object_id>/password-link/", CLOSED, "{user}"),
    act(f"{USER}/<path:object_id>/password-link/", CLOSED, "{user}"),
    page(f"{USER}/<path:object_id>/activity/", CLOSED, "{user}"),
    history(USER, "{user}", CLOSED),
    *usual(USER, "{user}", listed=CLOSED, read=CLOSED, written=False),
)
GROUP = "deployments/peoplegroup"
OF_GROUPS: tuple[Door, ...] = (
    history(GROUP, "{group}", CLOSED),
    *usual(GROUP, "{group}", listed=CLOSED, read=CLOSED, written=False),
)
SERVER, AGENT, ENROLMENT = "agents/server", "agents/agent", "agents/enrolmenttoken"
OF_MACHINES: tuple[Door, ...] = (
    page("agents/cluster/<path:object_id>/deletion/", OWN_OR_NOTHING, "{cluster}"),
    act("agents/cluster/<path:object_id>/deletion/", (302, 404, 404, 404, 404, 404, 302, 302), "{cluster}"),
    page(f"{SERVER}/<path:object_id>/deletion/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/deletion/", (302, 404, 404, 404, 404, 404, 302, 302), "{server}"),
    history("agents/cluster", "{cluster}", OWN),
    *usual("agents/cluster", "{cluster}", listed=STAFF, read=OWN, written=True),
    page(f"{SERVER}/<path:object_id>/new-enrolment-token/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/new-enrolment-token/", OWN_OR_NOTHING, "{server}"),
    page(f"{SERVER}/<path:object_id>/overview/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/overview/", (302, 404, 404, 404, 404, 404, 302, 302), "{server}"),
    page(f"{SERVER}/<path:object_id>/install/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/install/", OWN_OR_NOTHING, "{server}"),
    page(f"{SERVER}/<uuid:object_id>/installation/state/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<uuid:object_id>/installation/state/", (302, 404, 404, 404, 404, 404, 302, 302), "{server}"),
    page(f"{SERVER}/updates/", STAFF),
    act(f"{SERVER}/updates/", (302, 302, 302, 302, 302, 302, 302, 302)),
    page(f"{SERVER}/to-updates/", (302, 302, 302, 302, 302, 302, 302, 302)),
    page(f"{SERVER}/<uuid:object_id>/presence/", OWN_OR_NOTHING, "{server}"),
    page(f"{SERVER}/<path:object_id>/projects/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/projects/", (302, 404, 404, 404, 404, 404, 302, 302), "{server}"),
    page("agents/cluster/<path:object_id>/nodes/", OWN_OR_NOTHING, "{cluster}"),
    act("agents/cluster/<path:object_id>/nodes/", (302, 404, 404, 404, 404, 404, 302, 302), "{cluster}"),
    page("agents/cluster/<path:object_id>/activity/", OWN_OR_NOTHING, "{cluster}"),
    page(f"{SERVER}/<path:object_id>/activity/", OWN_OR_NOTHING, "{server}"),
    page(f"{SERVER}/<path:object_id>/usage/", OWN_OR_NOTHING, "{server}"),
    page(f"{SERVER}/<path:object_id>/containers/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/containers/", (200, 404, 404, 404, 404, 404, 302, 302), "{server}"),
    page(f"{SERVER}/<path:object_id>/volumes/", OWN_OR_NOTHING, "{server}"),
    act(f"{SERVER}/<path:object_id>/volumes/", (302, 404, 404, 404, 404, 404, 302, 302), "{server}"),
    history(SERVER, "{server}", OWN),
    *usual(SERVER, "{server}", listed=STAFF, read=OWN, written=True),
    history(ENROLMENT, "{enrolment}", OWN),
    page(f"{ENROLMENT}/", STAFF),
    page(f"{ENROLMENT}/add/", CLOSED),
    page(f"{ENROLMENT}/<path:object_id>/delete/", OWN, "{enrolment}"),
    act(f"{ENROLMENT}/<path:object_id>/delete/", OWN, "{enrolment}"),
    page(f"{ENROLMENT}/<path:object_id>/change/", OWN, "{enrolment}"),
    page(f"{ENROLMENT}/<path:object_id>/", LEADS_ON, "{enrolment}"),
    page(f"{AGENT}/<path:object_id>/revoke/", OWN_OR_NOTHING, "{agent}"),
    act(f"{AGENT}/<path:object_id>/revoke/", (302, 404, 404, 404, 404, 404, 302, 302), "{agent}"),
    history(AGENT, "{agent}", OWN),
    *usual(AGENT, "{agent}", listed=STAFF, read=OWN, written=False),
    history("agents/commandrecord", "{nothing}", LEADS_ON),
    *usual("agents/commandrecord", "{nothing}", listed=STAFF, read=LEADS_ON, written=False),
)
ADMIN = {
    "site": SITE,
    "deployments": OF_DEPLOYMENTS,
    "projects": OF_PROJECTS,
    "incidents": OF_INCIDENTS,
    "channels": OF_CHANNELS,
    "registries": OF_REGISTRIES,
    "tokens": OF_TOKENS,
    "invitations": OF_INVITATIONS,
    "users": OF_USERS,
    "groups": OF_GROUPS,
    "machines": OF_MACHINES,
}
