"""What a browser may load and run for our pages. Nothing comes from another address, and no script stands in a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

HEADER = "Content-Security-Policy"
ADMIN = "/admin/"


def policy(*, scripts: str) -> str:
    """The header's value; `scripts` are sources of scripts beside our own files."""
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' {scripts}".rstrip(),
        # The admin's theme and the page of the API stand in <style>, and their libraries add more while they run.
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


STRICT = policy(scripts="")
# The admin's theme drives its menus with Alpine, which makes functions of the attributes that it finds. A script in the
# page itself, or in an attribute such as onclick, is refused there too.
OF_ADMIN = policy(scripts="'unsafe-eval'")


class ContentPolicyMiddleware(MiddlewareMixin):
    """Puts the policy on every answer that has none of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault(HEADER, OF_ADMIN if request.path.startswith(ADMIN) else STRICT)
        return response
