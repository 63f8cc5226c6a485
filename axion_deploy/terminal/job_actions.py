"""`manage.py deployments jobs`: jobs of what runs, runs by a schedule, what one wrote, and the end of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.job_types import JobLine, JobRunRecord
from deployments.errors import Invalid
from deployments.services.queries import job_view
from deployments.services.requests import stop_job_run
from deployments.types import Caller


def jobs_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """List jobs and runs, show what one run wrote, or have one ended."""
    project = names.project_named(caller=caller, text=options["project"])
    if options["stop"]:
        run_id = _id_in(options["stop"])
        run = stop_job_run.stop_job_run(caller=caller, project_id=project.id, run_id=run_id, at=timezone.now())
        screen.say(sentence("{job} is being stopped. The run ends when its agent confirms it.", job=run.job))
        show_run(run, screen)
        return Exit.DONE
    if options["output"]:
        run = job_view.get_run(caller=caller, project_id=project.id, run_id=_id_in(options["output"]))
        show_run(run, screen)
        screen.say(run.output)
        screen.tell("output", {"id": str(run.id), "output": run.output})
        return Exit.DONE
    for line in job_view.list_jobs(caller=caller, project_id=project.id, now=timezone.now()):
        show_job(line, screen)
    for run in job_view.list_runs(caller=caller, project_id=project.id, job=options["job"]):
        show_run(run, screen)
    return Exit.DONE


def _id_in(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(sentence("Give the id of a run, as in the list.")) from None


def show_job(line: JobLine, screen: Screen) -> None:
    said = sentence("job {name}, {kind} on {server}", name=line.name, kind=line.kind, server=line.server_name)
    when = ""
    if line.next_at:
        moment = f"{line.next_at:%Y-%m-%d %H:%M}"
        when = f"  {line.schedule} ({line.time_zone}), {screen.words(sentence('next at {moment} UTC', moment=moment))}"
    screen.say(f"{screen.words(said)}{when}")
    next_at = line.next_at.isoformat() if line.next_at else None
    screen.tell("job", {"name": line.name, "kind": line.kind, "serverId": str(line.server_id), "nextAt": next_at})


def show_run(run: JobRunRecord, screen: Screen) -> None:
    state = f"{run.state}?" if run.unknown else str(run.state)
    why = screen.words(run.unknown or run.message)
    due = sentence("due {moment} UTC", moment=f"{run.due_at:%Y-%m-%d %H:%M}")
    if run.count > 1:
        due = sentence("due {moment} UTC ({count} times)", moment=f"{run.due_at:%Y-%m-%d %H:%M}", count=run.count)
    screen.say(f"{state:<10} {run.job}  {screen.words(due)}  {run.id}  {why}".rstrip())
    shape = {"id": str(run.id), "job": run.job, "state": str(run.state), "dueAt": run.due_at.isoformat()}
    screen.tell("run", {**shape, "exitCode": run.exit_code, "message": run.message, "unknown": run.unknown})
