"""What a host fetches to install its agent: the script, the program, and packages. Public, and without any secret."""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.html import escape
from django.views.decorators.http import require_safe

from agents.addresses import host_of, is_loopback
from agents.admin.install import gateway_url
from agents.distribution.artifact import agent_artifact
from agents.distribution.script import render_script
from agents.distribution.wheels import fits, host_python, list_wheels
from agents.services import gateway_places

# A file's name has its digest in it, or says its version: what it names never changes.
FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def install_script(request: HttpRequest) -> HttpResponse:
    """Return the script for hosts that reach the control plane as this request did. Fetched anew each time."""
    plain_text = gateway_places.speaks_plainly() and settings.AXION_GATEWAY_PLAINTEXT
    script = render_script(
        artifact=agent_artifact(),
        base_url=request.build_absolute_uri("/"),
        gateway_url=gateway_url(request),
        mutual_address=gateway_places.mutual_address(reached_by=host_of(request.get_host())),
        plain_text=plain_text and not is_loopback(host_of(request.get_host())),
    )
    answer = HttpResponse(script, content_type="text/x-shellscript; charset=utf-8")
    # It has the time in it, with which the host's clock is compared.
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_safe
def agent_archive(request: HttpRequest, name: str) -> HttpResponse:
    """Return the agent's archive under its name, which holds version and digest; 404 for that of another version."""
    del request
    artifact = agent_artifact()
    if name != artifact.file_name:
        raise Http404
    answer = HttpResponse(artifact.content, content_type="application/gzip")
    answer.headers["Cache-Control"] = FOR_EVER
    answer.headers["ETag"] = f'"{artifact.digest}"'
    return answer


@require_safe
def wheel_list(request: HttpRequest) -> HttpResponse:
    """Return links to the packages that the control plane carries, as pip reads them.

    `?python=11&machine=x86_64`: only those that fit Python 3.11 on such a machine.
    """
    names = [file.name for file in list_wheels(settings.AXION_AGENT_WHEELS)]
    host = host_python(request.GET.get("python", ""), request.GET.get("machine", ""))
    if host is not None:
        names = [name for name in names if fits(name, host=host)]
    links = "\n".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in names)
    return HttpResponse(f"<!doctype html><title>Packages of the agent</title>\n{links}\n")


@require_safe
def wheel(request: HttpRequest, name: str) -> HttpResponseBase:
    """Return one of the packages."""
    del request
    found = next((file for file in list_wheels(settings.AXION_AGENT_WHEELS) if file.name == name), None)
    if found is None:
        raise Http404
    answer = FileResponse(found.open("rb"), content_type="application/octet-stream")
    answer.headers["Cache-Control"] = FOR_EVER
    return answer
