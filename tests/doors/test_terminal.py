"""`manage.py deployments`: what it says to people and to scripts, and the numbers it ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from agents.models import Agent, Server
from axion_deploy.terminal.exits import Exit
from deployments.models import Deployment, Project
from deployments.repositories import deployments
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.queries import lookups
from deployments.states import Reason, Transition
from tests import factories
from tests.doors.people import People
from tests.doors.rest.test_rest import GRAPH
from tests.doors.sockets import line, stage, write

Run = Callable[..., tuple[int, list[dict[str, Any]]]]
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The exit code, and the JSON objects that a script would read."""

    def _run(*words: str, user: str = "owner") -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            call_command("deployments", *words, "--user", user, "--json")
        said = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
        assert said[-1] == {"kind": "end", "exitCode": ended.value.code}
        return int(ended.value.code or 0), said

    return _run


@pytest.fixture
def project_with_graph(project: Project) -> Project:
    sources.store_graph(caller=caller_of(project.owner), project_id=project.id, graph=GRAPH)
    return project


def end(deployment_id: Any, transition: Transition, **outcome: Any) -> None:
    said = deployments.Outcome(**outcome) if outcome else None
    with transaction.atomic():
        deployments.advance(deployment_id=deployment_id, transition=transition, at=factories.NOW, outcome=said)


def test_deploying_by_names_without_waiting(
    run: Run, project_with_graph: Project, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\n\nFROM_FILE=a=b\n")
    os.environ["FROM_HERE"] = "s3cret-value"
    words = ("deploy", "Voting", "--env", "FROM_HERE", "--env-file", str(file), "--no-wait", "--request-id", "once")
    code, said = run(*words)
    shown = said[0]["deployment"]
    assert (code, said[0]["state"], shown["serverId"]) == (Exit.DONE, "pending", str(server.id))
    assert shown["envVars"] == {"FROM_FILE": "***", "FROM_HERE": "***"}
    assert run(*words)[1][0]["deployment"]["id"] == shown["id"]
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        (("deploy", "Nothing"), Exit.NOT_THERE, None),
        (("deploy", "Voting", "--server", "elsewhere"), Exit.NOT_THERE, None),
        (("deploy", "Voting", "--env", "not a name=x"), Exit.USAGE, "envVars.not a name"),
        (("deploy", "Voting", "--env", "NOT_SET_ANYWHERE"), Exit.USAGE, "--env NOT_SET_ANYWHERE"),
        (("deploy", "Voting", "--env-file", "/no/such/file"), Exit.USAGE, "--env-file"),
        (("deploy", "Voting", "--approval", "of-nothing"), Exit.USAGE, "approval"),
        (("stop", "Voting"), Exit.CONFLICT, None),
        (("scale", "Voting", "db", "2"), Exit.CONFLICT, None),
        (("plan",), Exit.USAGE, "project"),
        (("status", str(uuid4())), Exit.NOT_THERE, None),
    ],
)
def test_refusals_end_with_their_number(
    run: Run, project_with_graph: Project, server: Server, words: tuple[str, ...], code: Exit, field: str | None
) -> None:
    ended, said = run(*words)
    assert (ended, said[0]["kind"]) == (code, "error")
    assert field is None or field in said[0]["details"]
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    ("user", "code"),
    [("owner", 0), ("deployer", 0), ("viewer", 3), ("stranger", 3), ("root", 0), ("ghost", 3)],
)
def test_who_may_cancel(run: Run, deployment: Deployment, user: str, code: int) -> None:
    assert run("cancel", str(deployment.id), "--no-wait", user=user)[0] == code
    deployment.refresh_from_db()
    assert (deployment.status == "failed") is (code == 0)


def test_without_a_user_it_is_the_only_superuser(
    people: People, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("deployments", "status", str(deployment.id))
    assert ended.value.code == 0
    assert f"deploy {deployment.id}: queued" in capsys.readouterr().out
    factories.make_user("second-root", is_superuser=True)
    with pytest.raises(SystemExit) as ended:
        call_command("deployments", "status", str(deployment.id))
    assert (ended.value.code, "--user" in capsys.readouterr().err) == (2, True)


def test_status_says_how_it_ended(run: Run, deployment: Deployment) -> None:
    assert run("status", str(deployment.id))[0] == Exit.DONE
    end(deployment.id, Transition.FAIL, reason=Reason.BUILD, message="No such file.")
    code, said = run("status", str(deployment.id))
    assert (code, said[0]["state"], said[0]["deployment"]["reason"]) == (Exit.FAILED, "failed", "build")


def test_logs_are_whole_or_of_one_service(run: Run, deployment: Deployment) -> None:
    write(deployment.id, *[line(f"number {number}") for number in range(700)], stage(20))
    code, said = run("logs", str(deployment.id))
    assert (code, len(said)) == (0, 701)
    assert len(run("logs", str(deployment.id), "--service", "db")[1]) == 1


def test_logs_of_a_project_name_what_nobody_can_read(run: Run, project_with_graph: Project, server: Server) -> None:
    code, said = run("logs", "--project", "Voting", "--since", "10m", "--search", "x", "--tail", "5")
    assert (code, said[0]["kind"], said[0]["lines"]) == (Exit.DONE, "logs", [])
    assert said[0]["remarks"] == ["This project has not been deployed to a server yet."]
    assert run("logs")[0] == Exit.USAGE
    assert run("logs", "--project", "Voting", "--since", "yesterday")[0] == Exit.USAGE
    assert run("logs", "--project", "Voting", "--tail", "9999")[1][0]["details"] == {"tail": "between 0 and 5000"}
    assert run("logs", "--project", "Voting", user="stranger")[0] == Exit.NOT_THERE
    assert run("restart", "Voting", "web")[0] == Exit.CONFLICT


def test_a_deployer_without_servers_names_what_the_project_may_use(
    run: Run, project_with_graph: Project, server: Server
) -> None:
    ended, said = run("deploy", "Voting", "--no-wait", user="deployer")
    assert (ended, said[0]["details"]) == (Exit.USAGE, {"--server": "required"})
    factories.grant(project_with_graph, server)
    for words in ((), ("--server", server.name)):
        ended, said = run("deploy", "Voting", "--no-wait", *words, user="deployer")
        assert (ended, said[0]["deployment"]["serverId"]) == (Exit.DONE, str(server.id))


@pytest.mark.usefixtures("agent")
def test_the_plan_can_be_handed_in(run: Run, project_with_graph: Project) -> None:
    code, said = run("plan", "Voting")
    assert (code, said[0]["kind"], said[0]["changes"][0]["action"]) == (0, "plan", "create")
    assert run("deploy", str(project_with_graph.id), "--approval", said[0]["approval"], "--no-wait")[0] == 0


@pytest.mark.usefixtures("server")
def test_a_plan_for_a_server_without_an_agent_is_refused(run: Run, project_with_graph: Project) -> None:
    code, said = run("plan", str(project_with_graph.id))
    assert (code, said[0]["kind"], said[0]["details"]) == (Exit.CONFLICT, "error", {"serverId": "no agent"})


def test_history_of_nothing_is_empty(run: Run, project_with_graph: Project) -> None:
    assert run("history", "Voting") == (0, [{"kind": "end", "exitCode": 0}])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("transition", "code"), [(Transition.SUCCEED, Exit.DONE), (Transition.FAIL, Exit.FAILED)], ids=["success", "failed"]
)
def test_following_shows_every_event_once_and_ends_with_it(
    run: Run, agent: Agent, deployment: Deployment, transition: Transition, code: Exit
) -> None:
    def work() -> None:
        try:
            with transaction.atomic():
                factories.start_deployment(deployment, agent)
            for number in range(5):
                write(deployment.id, line(f"line {number}"), stage(number * 10))
                time.sleep(0.05)
            outcome = {} if transition is Transition.SUCCEED else {"reason": Reason.UNHEALTHY, "message": "Not well."}
            end(deployment.id, transition, **outcome)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    ended, said = run("status", str(deployment.id), "--wait", "--timeout", "60")
    worker.join(timeout=60)
    sequences = [each["event"]["sequence"] for each in said if each["kind"] == "event"]
    assert ended == code
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(sequences) == 12
    assert said[-2]["state"] == ("success" if code is Exit.DONE else "failed")


def test_waiting_has_an_end(run: Run, deployment: Deployment) -> None:
    code, said = run("status", str(deployment.id), "--wait", "--timeout", "0")
    assert (code, said[-2]["code"]) == (Exit.UNREACHABLE, "EXTERNAL_SERVICE_ERROR")


def test_a_database_that_comes_back_ends_no_wait(
    run: Run, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = lookups.get_deployment, iter([OperationalError("gone"), None, None, None])

    def unsteady(**arguments: Any) -> Any:
        if error := next(calls):
            raise error
        return real(**arguments)

    end(deployment.id, Transition.FAIL, reason=Reason.EXPIRED, message="Too late.")
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(lookups, "get_deployment", unsteady)
    assert run("logs", str(deployment.id), "--follow")[0] == Exit.DONE


def test_as_a_program_it_knows_its_words() -> None:
    def program(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "deployments", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    helped = program("deploy", "--help")
    assert (helped.returncode, "exit codes:" in helped.stdout) == (0, True)
    assert program("dance").returncode == 2
