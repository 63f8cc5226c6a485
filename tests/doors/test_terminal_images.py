"""`deployments cluster NAME images` and `deployments registries ADDRESS --test-from`: what they change and say."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from agents.models import Agent, Cluster, CommandRecord, Server
from agents.states import CommandOutcome
from agents.types import CommandFinished, Report
from axion_deploy import gateway_bindings
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.images import registry_check
from deployments.models import ClusterRegistry, Registry, User
from tests import factories

pytestmark = pytest.mark.django_db
ADDRESS = "registry.example.org"
Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The exit code, the first JSON object that a script would read, and what stands where people look for faults."""

    def _run(*words: str, user: str = "owner") -> tuple[int, dict[str, Any], str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            call_command("deployments", *words, "--user", user, "--json")
        told = capsys.readouterr()
        first = json.loads(told.out.splitlines()[0])
        return int(ended.value.code or 0), first, told.out + told.err

    return _run


@pytest.fixture
def cluster(owner: User, server: Server) -> Cluster:
    Agent.objects.filter(pk=factories.make_agent(server).pk).update(
        understands={"build": 1, "check_registry": 1}, last_seen_at=datetime.now(UTC)
    )
    factories.make_registry(address=ADDRESS, owner=owner)
    factories.make_registry(address="default.example.org")
    return Cluster.objects.create(owner=owner, name="farm")


def test_builder_and_registry_of_a_cluster_are_chosen_shown_and_taken_back(
    run: Run, cluster: Cluster, server: Server
) -> None:
    code, shown, _ = run("cluster", "farm", "images")
    assert (code, shown) == (Exit.DONE, {"kind": "images", "builder": "", "registry": "default.example.org"})

    code, shown, _ = run("cluster", "farm", "images", "--builder", server.name, "--registry", ADDRESS)
    assert (code, shown["builder"], shown["registry"]) == (Exit.DONE, server.name, ADDRESS)
    assert Cluster.objects.get().builder_id == server.pk
    assert ClusterRegistry.objects.get(cluster_id=cluster.pk).registry.address == ADDRESS

    # One of the two alone leaves the other as it is.
    code, shown, _ = run("cluster", str(cluster.pk), "images", "--builder", "")
    assert (code, shown["builder"], shown["registry"]) == (Exit.DONE, "", ADDRESS)
    assert Cluster.objects.get().builder_id is None
    code, shown, _ = run("cluster", "farm", "images", "--registry", "")
    assert (code, shown["registry"]) == (Exit.DONE, "default.example.org")
    assert not ClusterRegistry.objects.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--builder", "nobody"), "nobody"),
        (("--registry", "elsewhere.example.org"), "You have no registry at elsewhere.example.org."),
    ],
)
def test_a_builder_or_registry_that_is_not_there_is_named_and_nothing_changes(
    run: Run, cluster: Cluster, options: tuple[str, str], said: str
) -> None:
    code, _, out = run("cluster", "farm", "images", *options)
    assert (code, said in out) == (Exit.NOT_THERE, True), out
    assert (Cluster.objects.get().builder_id, ClusterRegistry.objects.exists()) == (None, False)


def test_a_stranger_finds_neither(run: Run, cluster: Cluster, server: Server, stranger: User) -> None:
    words = ("cluster", str(cluster.pk), "images", "--builder", str(server.pk))
    assert run(*words, user=stranger.username)[0] == Exit.NOT_THERE
    assert run("registries", ADDRESS, "--test-from", str(server.pk), user=stranger.username)[0] == Exit.NOT_THERE
    assert (Cluster.objects.get().builder_id, CommandRecord.objects.exists()) == (None, False)


@pytest.mark.parametrize(
    ("outcome", "message", "state", "exits"),
    [
        (CommandOutcome.SUCCEEDED, "Images may be pushed to axion.", "passed", Exit.DONE),
        (CommandOutcome.FAILED, "The registry does not accept robot.", "failed", Exit.FAILED),
    ],
)
def test_a_registry_is_tested_from_a_server_and_the_outcome_is_the_exit(
    run: Run,
    cluster: Cluster,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    outcome: CommandOutcome,
    message: str,
    state: str,
    exits: Exit,
) -> None:
    def answer(_: float) -> None:
        """In the time in which the terminal waits, the agent answers."""
        order = CommandRecord.objects.get(kind="check_registry")
        said = CommandFinished(outcome=outcome, message=message)
        report = Report(
            command_id=order.pk,
            deployment_id=order.deployment_id,
            agent_id=order.agent_id,
            number=1,
            at=factories.NOW,
            body=said,
        )
        gateway_bindings.on_report(report=report)

    monkeypatch.setattr(registry_check, "time", SimpleNamespace(sleep=answer, monotonic=time.monotonic))
    code, shown, _ = run("registries", ADDRESS, "--test-from", server.name)
    assert (code, shown) == (exits, {"kind": "test", "address": ADDRESS, "state": state, "message": message})
    assert Registry.objects.get(address=ADDRESS).check_server_name == server.name


def test_an_address_or_a_server_that_is_not_there_is_named(run: Run, cluster: Cluster, server: Server) -> None:
    code, _, out = run("registries", "elsewhere.example.org", "--test-from", server.name)
    assert (code, "No such registry." in out) == (Exit.NOT_THERE, True), out
    code, _, out = run("registries", ADDRESS, "--test-from", "nowhere")
    assert (code, "nowhere" in out) == (Exit.NOT_THERE, True), out
    assert not CommandRecord.objects.exists()
