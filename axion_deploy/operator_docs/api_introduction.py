"""What the OpenAPI document says before its operations: for somebody who calls the API for the first time."""

from __future__ import annotations

INTRODUCTION = """\
Everything that the pages can do, for programs. Each operation does what it says for the person whose token it
carries, and asks the same rules as the pages: what that person cannot see does not exist here either.

## Sign in

Create a token under *API tokens* in the account menu, or with `POST /api/tokens`, and send it with each request:

    curl -H "Authorization: Bearer $TOKEN" https://axion.example.com/api/projects

`Authorization: Token ...` means the same. A token has a scope: `read` looks, `deploy` also deploys, cancels, stops
and rolls back, `all` may do what its owner may. It ends when it expires, when it is deleted, or when its owner is
blocked. The page that you are reading works with the session of your browser as well.

## Answers and errors

A successful answer is JSON with `"status": 1` and its data beside it. An error is a problem document
(`application/problem+json`, RFC 9457) with `title`, `detail`, a stable `code`, and `details` that name the fields
that are wrong.

| status | meaning | what to do |
|---|---|---|
| 400 | a field is missing or wrong | read `details` and correct it |
| 401 | no token, or one that has ended | create another one |
| 403 | you may see this, but not do it | ask the project's owner, or use a token with a wider scope |
| 404 | not found, or not visible to you | check the id and whose token it is |
| 409 | not possible in the current state | read the state again; for a plan, review the new one |
| 413, 415 | the body is too large, or of another media type | see the operation |
| 429 | too many requests | wait as many seconds as `Retry-After` says |
| 502, 503 | an agent, a service or the database did not answer | try again, with the same `Idempotency-Key` |

## Repeat safely

A `POST` that takes an `Idempotency-Key` can be sent again with the same key, for a day, without a second effect:
choose a new key for each thing that you want done, and repeat it until there is an answer.

## Read lists

Lists take `page` (from 1) and `limit` (at most 100), and answer with `pagination`. For all deployments, pass `next`
of the last answer as `after` instead of counting pages: nothing is missed or repeated while new ones are made.

## Wait for a deployment

`POST /api/deployments` answers at once, with the deployment still pending. Ask `GET /api/deployments/ID/status`
every few seconds until `status` is 3 (success), 4 (failed) or 6 (rolled back): 1 is pending, 2 in progress, 5
rolling back; or read `GET /api/deployments/ID/events` and pass `next` as `after`; or open the websocket
`/ws/deployments/ID/?after=0`, which sends the same events as they happen. A success is only stored when every
service was seen running at its image and healthy. A cancel is done when the status says so, not when it is
accepted.
"""

SPECTACULAR_SETTINGS = {
    "TITLE": "Axion Deploy",
    "DESCRIPTION": INTRODUCTION,
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # The page's files are our own: nothing comes from another address.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}
