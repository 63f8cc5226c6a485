"""What a project's containers, or a server, used: curves with marks where a deployment ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext

from agents.models import Server
from agents.wording.pages import lazy
from deployments.admin.ownership import caller_in, or_404, require_project_viewer, uncached_json
from deployments.admin.page_responses import render_page
from deployments.data.usage_types import Usage, UsagePoint, UsageSeries
from deployments.models import Project
from deployments.rules.usage_curve import HEIGHT, WIDTH, Span, path_of, y_of
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import usage
from deployments.services.queries.usage import Mark, Spark
from deployments.types import Right

PAGE = "admin/deployments/project/usage.html"
CHOICES = (
    (1, lazy("1 hour")),
    (6, lazy("6 hours")),
    (24, lazy("24 hours")),
    (168, lazy("7 days")),
    (336, lazy("14 days")),
)
ONE_PROCESSOR = 100.0
# Of its limit; a little more and it is killed.
TIGHT = 0.9


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve: `now` and `most` in words; `limit_y` is None where there is no limit to draw."""

    name: str
    now: str
    most: str
    path: str
    limit_y: float | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """`kills`: what was killed for lack of memory, and where that is; of a machine everything on it."""

    title: str
    more: str
    curves: tuple[Curve, ...]
    kills: tuple[tuple[Mark, float], ...] = ()


def project_usage_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show what the project's containers used in the chosen time."""
    caller = require_project_viewer(request, object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    found = usage.project_usage(caller=caller, project_id=object_id, hours=_hours_in(request))
    servers = {series.server_id for series in found.series}
    names = usage.server_names(server_ids=servers)
    return _page(
        request,
        found,
        title=gettext("Usage of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        titles=lambda series: (
            series.service or series.container,
            _on_server(series.container, names[series.server_id]),
        ),
        marks=usage.project_marks(caller=caller, project_id=object_id, since=found.since),
        back=reverse("admin:deployments_project_change", args=[object_id]),
        back_to=project.name,
    )


def server_usage_page(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Show what a server of the caller's used in the chosen time."""
    caller = caller_in(request)
    server = or_404(machine_list.get_server, caller=caller, server_id=server_id)
    found = usage.server_usage(caller=caller, server_id=server_id, hours=_hours_in(request))
    return _page(
        request,
        found,
        title=gettext("Usage of {server}").format(server=server.name),
        of=Server(pk=server.id, name=server.name),
        titles=lambda _: (server.name, gettext("the whole machine")),
        marks=usage.server_marks(caller=caller, server_id=server_id, since=found.since),
        back=reverse("admin:agents_server_overview", args=[server_id]),
        back_to=server.name,
    )


def _on_server(container: str, server: str) -> str:
    return gettext("{container} on {server}").format(container=container, server=server)


def _hours_in(request: HttpRequest) -> int:
    """Return the chosen time; the shortest for what is no choice."""
    given = request.GET.get("hours", "")
    return next((hours for hours, _ in CHOICES if str(hours) == given), CHOICES[0][0])


def _page(
    request: HttpRequest,
    found: Usage,
    *,
    title: str,
    of: Project | Server,
    titles: Callable[[UsageSeries], tuple[str, str]],
    marks: tuple[Mark, ...],
    back: str,
    back_to: str,
) -> HttpResponse:
    hours = _hours_in(request)
    end = found.since + timedelta(hours=hours)
    span = Span(begin=found.since.timestamp(), end=end.timestamp(), step=found.step_seconds)
    return render_page(
        request,
        PAGE,
        title=title,
        of=of,
        charts=[_chart(series, titles(series), span=span, marks=marks) for series in found.series],
        complete=found.complete,
        marks=[(mark, span.x_of(mark.at.timestamp())) for mark in marks if mark.deployment_id],
        kills=[mark for mark in marks if not mark.deployment_id],
        hours=hours,
        choices=CHOICES,
        width=WIDTH,
        height=HEIGHT,
        back=back,
        back_to=back_to,
    )


def _chart(series: UsageSeries, titles: tuple[str, str], *, span: Span, marks: tuple[Mark, ...]) -> Chart:
    of = series.container
    kills = [mark for mark in marks if mark.container and (not of or mark.container == of)]
    limit = max(point.memory_limit_bytes for point in series.points)
    curves = [
        _curve(gettext("Processor"), series, span, lambda point: point.cpu_percent, _percent, at_least=ONE_PROCESSOR),
        _curve(gettext("Memory"), series, span, lambda point: point.memory_bytes, filesizeformat, limit=limit),
    ]
    if any(point.received or point.sent for point in series.points):
        curves.append(_curve(gettext("Network"), series, span, lambda point: point.received + point.sent, _rate))
    if any(point.disk_bytes for point in series.points):
        curves.append(_curve(gettext("Disk"), series, span, lambda point: point.disk_bytes, filesizeformat))
    placed = tuple((mark, span.x_of(mark.at.timestamp())) for mark in kills)
    return Chart(title=titles[0], more=titles[1], curves=tuple(curves), kills=placed)


def _curve(
    name: str,
    series: UsageSeries,
    span: Span,
    value_of: Callable[[UsagePoint], float],
    words: Callable[[float], str],
    *,
    at_least: float = 0.0,
    limit: float = 0.0,
) -> Curve:
    values = [(point.at.timestamp(), value_of(point)) for point in series.points]
    most = max(value for _, value in values)
    top = max(most, at_least, limit)
    return Curve(
        name=name,
        now=words(values[-1][1]),
        most=gettext("{now} of {limit}").format(now=words(most), limit=words(limit)) if limit else words(most),
        path=path_of(values, span=span, top=top),
        limit_y=y_of(limit, top=top) if limit else None,
    )


def _percent(value: float) -> str:
    return gettext("{percent} of one processor").format(percent=f"{value:.0f} %")


def _rate(value: float) -> str:
    return f"{filesizeformat(value)}/s"


def sparks_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Answer what each node used in the last hour, by server and node, as paths of the picture."""
    caller = require_project_viewer(request, object_id)
    since, sparks = usage.node_sparks(caller=caller, project_id=object_id)
    end = since + timedelta(hours=usage.SPARK_HOURS)
    span = Span(begin=since.timestamp(), end=end.timestamp(), step=usage.SPARK_SECONDS)
    shapes: dict[str, dict[str, Any]] = {}
    for (server_id, node_id), spark in sparks.items():
        shapes.setdefault(str(server_id), {})[node_id] = _spark_shape(spark, span=span)
    return uncached_json({"width": WIDTH, "height": HEIGHT, "servers": shapes})


def _spark_shape(spark: Spark, *, span: Span) -> dict[str, Any]:
    most = max(value for _, value in spark.memory)
    top = max(most, float(spark.memory_limit))
    now = filesizeformat(spark.memory[-1][1])
    memory = (
        gettext("{now} of {limit}").format(now=now, limit=filesizeformat(spark.memory_limit))
        if spark.memory_limit
        else gettext("{now}, no limit").format(now=now)
    )
    return {
        "path": path_of(spark.memory, span=span, top=top),
        "limitY": y_of(spark.memory_limit, top=top) if spark.memory_limit else None,
        "tight": bool(spark.memory_limit) and spark.memory[-1][1] > TIGHT * spark.memory_limit,
        "words": gettext("Memory {memory}. Processor {cpu}.").format(memory=memory, cpu=_percent(spark.cpu[-1][1])),
    }
