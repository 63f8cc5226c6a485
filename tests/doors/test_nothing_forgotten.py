"""What an endpoint, a page or a socket needs besides its own code: each test says which place was forgotten.

CONTRIBUTING.md lists these places under "What a change needs".
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, get_resolver, resolve
from drf_spectacular.generators import SchemaGenerator

from deployments.api.base_view import BaseView
from deployments.consumers.routing import routes as socket_routes
from tests.doors.admin_table import ADMIN
from tests.doors.browser.pages_table import CROWDED, NOTHING_YET
from tests.doors.table import OPEN, REST, SOCKETS

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
METHODS = ("get", "post", "put", "patch", "delete")
# The OpenAPI document itself, the page to try it, and what answers every unknown address.
NOT_DESCRIBED = {"schema/", "docs/", ""}
# A repeat of these changes nothing, so no key is needed to tell it from a first request.
POSTS_WITHOUT_EFFECT = {"projects/<uuid:project_id>/plan", "projects/<uuid:project_id>/repair/plan"}
# What a browser is not shown: JSON and text for scripts, and what Django itself brings for every model and the site.
NO_PAGES_OF_OURS = re.compile(
    r"/(now|state|links|files|log|presence|file)/$"
    r"|/<path:object_id>/(history/|delete/)?$"
    r"|^(login|search|password_change/done|jsi18n|autocomplete)/$"
    r"|app_label"
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    generator: Any = SchemaGenerator  # the library has no types
    found: dict[str, Any] = generator().get_schema(request=None, public=True)
    return found


def test_every_endpoint_says_what_each_person_gets() -> None:
    rows = {(door.method, door.route) for door in REST}
    assert_nothing(
        *(
            f"{method.upper()} /api/{route}: add a row to REST in tests/doors/table.py that says what each person gets."
            for method, route in endpoints().keys() - rows
        ),
        *(
            f"{method.upper()} /api/{route}: remove its row from tests/doors/table.py; there is no such endpoint."
            for method, route in rows - endpoints().keys()
        ),
    )


def test_every_view_has_a_route() -> None:
    routed = set(endpoints().values())
    assert_nothing(
        f"{view.__module__}.{view.__name__}: give it a route in deployments/api/urls.py."
        for view in BaseView.__subclasses__()
        if view not in routed
    )


def test_every_endpoint_is_described(document: dict[str, Any]) -> None:
    assert_nothing(
        f"{method.upper()} /api/{route}: describe it with @documented (deployments/api/schemas/openapi.py)."
        for method, route in endpoints()
        if route not in NOT_DESCRIBED and "404" not in operation_of(document, method, route)["responses"]
    )


def test_every_post_with_an_effect_can_be_repeated(document: dict[str, Any]) -> None:
    posts = {route: view for (method, route), view in endpoints().items() if method == "post"}
    assert_nothing(
        f"POST /api/{route}: take an Idempotency-Key (@idempotent() or self.take_request_id(), and key=True in "
        "@documented; deployments/api/idempotency_key.py), or name it in POSTS_WITHOUT_EFFECT here."
        for route, view in posts.items()
        if route not in POSTS_WITHOUT_EFFECT
        and not (takes_key(view) and documents_key(operation_of(document, "post", route)))
    )


def test_every_admin_page_says_what_each_person_gets() -> None:
    pages = {route.removeprefix("admin/") for route in routes() if route.startswith("admin/")}
    rows = {door.route for doors in ADMIN.values() for door in doors}
    assert_nothing(
        *(
            f"/admin/{route}: add a row to tests/doors/admin_table.py that says what each person gets."
            for route in pages - rows
        ),
        *(
            f"/admin/{route}: remove its row from tests/doors/admin_table.py; there is no such page."
            for route in rows - pages
        ),
    )


def test_every_admin_page_is_looked_at_by_a_browser() -> None:
    shown = {door.route for doors in ADMIN.values() for door in doors if door.method == "get" and 200 in door.answers}
    seen = {route_of(path) for path in (*CROWDED.values(), *NOTHING_YET.values())}
    assert_nothing(
        f"/admin/{route}: add it to tests/doors/browser/pages_table.py, so that a browser looks at it on both widths."
        for route in shown - seen
        if not NO_PAGES_OF_OURS.search(route)
    )


def test_every_other_address_says_what_each_person_gets() -> None:
    others = {route for route in routes() if not route.startswith(("api/", "admin/"))}
    assert_nothing(
        f"/{route}: add a row to OPEN in tests/doors/table.py; it is neither in the API nor in the admin."
        for route in others - {door.route for door in OPEN}
    )


def test_every_socket_says_what_each_person_gets() -> None:
    # Channels keeps what its middleware wraps without a type.
    router: Any = socket_routes.inner
    sockets = {str(pattern.pattern) for pattern in router.routes} - {"<path:unknown>"}
    assert_nothing(
        f"/{route}: add it to SOCKETS in tests/doors/table.py, with what each person gets."
        for route in sockets - set(SOCKETS)
    )


@pytest.mark.parametrize("entry", ["An endpoint", "A page of the admin", "A socket"])
def test_the_places_that_contributing_names_exist(entry: str) -> None:
    section = CONTRIBUTING.read_text().partition(f"\n**{entry}**")[2].partition("\n\n**")[0]
    places = re.findall(r"`((?:deployments|axion_deploy|templates|tests)/[\w/.]+)`", section)
    assert places, f'CONTRIBUTING.md has no entry "{entry}".'
    assert_nothing(
        f'CONTRIBUTING.md names {place} under "{entry}"; there is no such place.'
        for place in places
        if not (CONTRIBUTING.parent / place).exists()
    )


def assert_nothing(*forgotten: str | Iterable[str]) -> None:
    """Fail with one sentence per forgotten place."""
    sentences = [text for each in forgotten for text in ([each] if isinstance(each, str) else each)]
    if sentences:
        pytest.fail("\n".join(sorted(sentences)), pytrace=False)


def routes() -> dict[str, URLPattern]:
    return {in_order(route): pattern for route, pattern in walk(get_resolver().url_patterns)}


def in_order(route: str) -> str:
    """Return the route with its applications as the table has them: Django has them as they were imported."""
    return route.replace("(?P<app_label>agents|deployments)", "(?P<app_label>deployments|agents)")


def walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from walk(pattern.url_patterns, route)


def endpoints() -> dict[tuple[str, str], Any]:
    """Return the view class of every method and route below /api/."""
    views: dict[str, Any] = {
        route.removeprefix("api/"): getattr(pattern.callback, "cls", None) or pattern.callback.view_class  # type: ignore[attr-defined]  # Django's views carry it
        for route, pattern in routes().items()
        if route.startswith("api/")
    }
    # What answers unknown addresses has no method of its own; one stands for all.
    return {
        (method, route): view
        for route, view in views.items()
        for method in METHODS
        if hasattr(view, method) or (method, route) == ("get", "")
    }


def operation_of(document: dict[str, Any], method: str, route: str) -> dict[str, Any]:
    path = re.sub(r"<\w+:(\w+)>", r"{\1}", f"/api/{route}")
    operation: dict[str, Any] = document["paths"][path][method]
    return operation


def takes_key(view: Any) -> bool:
    source = inspect.getsource(inspect.unwrap(view.post))
    return "@idempotent(" in source or "take_request_id(" in source


def documents_key(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))


def route_of(path: str) -> str:
    """Return the route of an address with rows in braces, without its query."""
    filled = re.sub(r"\{\w+\}", str(uuid4()), path.partition("?")[0])
    return str(resolve(filled).route).removeprefix("admin/")
