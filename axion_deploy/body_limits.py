"""How large a request's body may be, by its address, and who may send a large one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import parse_cookie

from deployments.api.parsers import MAX_JSON_BYTES, MAX_TAR_BYTES
from deployments.consumers.socket_identity import caller_from

MIB = 1024 * 1024
# For everything, and the most that is read of anybody who has not signed in.
MAX_BODY = MIB
# Values of variables may come to 1 MiB, and a form writes one byte as three.
MAX_WISH = 4 * MIB
# A form's borders around the file.
MAX_FORM = 64 * 1024
_ID = "[^/]+"
_PROJECT = f"/admin/deployments/project/{_ID}"
LARGE = tuple(
    (method, re.compile(path), limit)
    for method, path, limit in (
        ("PUT", f"/api/projects/{_ID}/code/{_ID}", MAX_TAR_BYTES),
        ("POST", f"{_PROJECT}/code/", MAX_TAR_BYTES + MAX_FORM),
        ("PUT", f"/api/projects/{_ID}/graph", MAX_JSON_BYTES),
        ("PUT", f"/api/projects/{_ID}/compose", MAX_JSON_BYTES),
        ("PUT", f"/api/projects/{_ID}/file", MAX_WISH),
        ("POST", f"{_PROJECT}/file/", MAX_WISH),
        ("POST", f"{_PROJECT}/compose/", MAX_JSON_BYTES + MAX_FORM),
        ("POST", f"{_PROJECT}/graph/", MAX_JSON_BYTES + MAX_FORM),
        ("POST", "/api/deployments", MAX_WISH),
        ("POST", f"/api/projects/{_ID}/plan", MAX_WISH),
        ("POST", f"{_PROJECT}/(plan|deploy)/", MAX_WISH),
    )
)


def limit_of(*, method: str, path: str) -> int:
    """In bytes, for who has signed in."""
    return next((limit for verb, where, limit in LARGE if verb == method and where.fullmatch(path)), MAX_BODY)


@database_sync_to_async
def uploader(scope: Mapping[str, Any]) -> UUID:
    """Who sends this, by token or session. Raises Unauthenticated."""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin1")
    return caller_from({**scope, "cookies": parse_cookie(cookies)}).user_id
