"""`deployments logs --project`: what containers write, read from their servers."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.log_types import LogPart, LogQuery, OpenedLogs, ShownLine
from deployments.errors import Invalid
from deployments.services.logs import open as opening
from deployments.services.logs import reader
from deployments.types import Caller
from deployments.wire import log_part_shape

AGO = re.compile(r"(\d{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NS_PER_SECOND = 1_000_000_000


def show_container_logs(*, caller: Caller, options: Mapping[str, Any], screen: Screen, now: datetime) -> Exit:
    """Show the past and, with --follow, go on until Ctrl-C or --timeout. Raises NotFound, Invalid or PeerFailed."""
    project = names.project_named(caller=caller, text=options["project"])
    target = (
        names.target_named(caller=caller, project_id=project.id, server=options["server"], cluster=None)
        if options["server"]
        else None
    )
    query = LogQuery(
        project_id=project.id,
        server_id=target.id if target else None,
        services=tuple(name for each in options["service"].split(",") if (name := each.strip())),
        since_ms=moment_in(options["since"], option="--since", now=now),
        until_ms=moment_in(options["until"], option="--until", now=now),
        tail=options["tail"],
        follow=options["follow"],
        search=options["search"],
    )
    opened = opening.open_logs(caller=caller, query=query, request_id=uuid4())
    asyncio.run(_show(opened, screen, seconds=options["timeout"]))
    return Exit.DONE


async def _show(opened: OpenedLogs, screen: Screen, *, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), contextlib.aclosing(reader.read(opened)) as parts:
            async for part in parts:
                show(part, screen)


def show(part: LogPart, screen: Screen) -> None:
    screen.tell("logs", log_part_shape(part))
    if part.left_out:
        screen.say(sentence("... {left_out} lines skipped: they arrived too fast ...", left_out=part.left_out))
    for line in part.lines:
        screen.say(words_of(line))
    for remark in part.remarks:
        screen.say(f"! {screen.words(remark)}")


def words_of(line: ShownLine) -> str:
    moment = datetime.fromtimestamp(line.at_ns / NS_PER_SECOND, tz=UTC)
    return f"{moment:%H:%M:%S}Z  {line.service} | {line.text}"


def moment_in(text: str, *, option: str, now: datetime) -> int:
    """Return the moment in epoch ms; 0 for none. Raises Invalid."""
    if not text:
        return 0
    if ago := AGO.fullmatch(text):
        return _epoch_ms(now - timedelta(**{UNITS[ago[2]]: int(ago[1])}))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            sentence("This is not a point in time."), details={option: "such as 10m, or 2026-11-28T10:00:00"}
        ) from error
    return _epoch_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _epoch_ms(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000))
