"""The operators' pages under /docs/, as `make docs` built them. They say nothing of this installation: all may read."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils._os import safe_join
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, quote_etag
from django.views.decorators.http import require_safe

FIRST_PAGE = "index.html"
# Names of the theme's files change with their content; pages and the index of the search keep theirs.
CACHED = "max-age=300"


@require_safe
def docs(request: HttpRequest, path: str) -> HttpResponseBase:
    """Return one file of the built documentation, or a page with 404 that names `make docs` while nothing is built."""
    if not Path(settings.DOCS_ROOT, FIRST_PAGE).is_file():
        return render(request, "docs_not_built.html", status=404)
    file = _file(path or FIRST_PAGE)
    if file is None:
        return render(request, "404.html", status=404)
    stat = file.stat()
    etag = quote_etag(f"{stat.st_mtime_ns:x}-{stat.st_size:x}")
    answer = get_conditional_response(request, etag=etag, last_modified=int(stat.st_mtime))
    if answer is None:
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        answer = HttpResponse(file.read_bytes(), content_type=content_type)
    headers = {"ETag": etag, "Last-Modified": http_date(stat.st_mtime), "Cache-Control": CACHED}
    for name, value in headers.items():
        answer.headers[name] = value
    return answer


def _file(path: str) -> Path | None:
    """Return the file of this name below the built documentation; None when there is none, or the name leads out."""
    try:
        file = Path(safe_join(settings.DOCS_ROOT, path)).resolve()
    except (SuspiciousFileOperation, ValueError):
        return None
    return file if file.is_file() and file.is_relative_to(Path(settings.DOCS_ROOT).resolve()) else None
