"""What CONTRIBUTING.md says that a node key, a command and an event need: who forgets a place is told which."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from typing import Any

import pytest

from agents.command_types import InspectHostCommand
from agents.contracts import runner_pb2
from agents.repositories import payloads
from agents.runner.commands.registry import COMMANDS
from agents.states import CommandKind
from agents.types import (
    BuildCommand,
    CheckReachCommand,
    CheckRegistryCommand,
    DeleteVolumeCommand,
    DeployCommand,
    RevertCommand,
    SwarmCommand,
)
from deployments.admin.filters import DEPLOYMENT_FILTERS, chosen_filter
from deployments.api.endpoints.deployment_endpoints import filter_in
from deployments.data.list_types import DeploymentFilter
from deployments.event_types import EventType
from stackgen.keys.catalogue import KEYS
from stackgen.keys.key import Key
from stackgen.nodes import Settings
from tests.docs.building import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
GOLDEN = [path.read_text() for path in sorted((ROOT / "tests/golden").glob("*/graph.json"))]
TESTS = GOLDEN + [path.read_text() for path in sorted((ROOT / "tests/stackgen").rglob("*.py"))]
# Output stands in the log of its service, not among what happened.
NOT_IN_TIMELINE = {EventType.LOG_WRITTEN}
# REST filters by the numbers of the wire, pages by the word that they show.
NOT_OVER_REST, NOT_IN_ADMIN = {"result"}, {"status"}


FIELDS = {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_of_the_settings_has_a_key(name: str) -> None:
    assert any(key.field == name for key in KEYS), f"the field {name} of Settings needs an entry in stackgen/keys/"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.shown)
def test_a_node_key_has_all_its_places(key: Key) -> None:
    assert key.field in FIELDS, f"the node key {key.shown!r} needs a field {key.field!r} in stackgen/nodes.py:Settings"
    assert key.groups, f"the node key {key.shown!r} is for no nodes: {key.nodes!r}"
    word = rf"(?<!\w){re.escape(key.name)}"
    assert any(re.search(word, text) or re.search(word.replace(r"\.", "__"), text) for text in TESTS), (
        f"the node key {key.shown!r} needs a graph in tests/golden or a test in tests/stackgen"
    )


def places_of_command(kind: CommandKind) -> dict[str, bool]:
    """Each place that a kind of command needs, and whether it is there."""
    classes = {
        CommandKind.DEPLOY: DeployCommand,
        CommandKind.REVERT: RevertCommand,
        CommandKind.DELETE_VOLUME: DeleteVolumeCommand,
        CommandKind.SWARM: SwarmCommand,
        CommandKind.CHECK_REACH: CheckReachCommand,
        CommandKind.INSPECT_HOST: InspectHostCommand,
        CommandKind.BUILD: BuildCommand,
        CommandKind.CHECK_REGISTRY: CheckRegistryCommand,
    }
    messages = {field.name for field in runner_pb2.Command.DESCRIPTOR.oneofs_by_name["payload"].fields}
    codec = (ROOT / "agents/transport/wire/codec.py").read_text()
    lifecycle = "".join(path.read_text() for path in (ROOT / "deployments/services/lifecycle").glob("*.py"))
    return {
        "a message in the oneof `payload` of Command in agents/contracts/runner.proto (then `make proto`)": kind
        in messages,
        "a dataclass in agents/types.py that is part of AgentCommand, and its line in this test": kind in classes,
        "a way into the ledger and back in agents/repositories/payloads.py": is_kept(classes.get(kind), kind),
        "a way onto the wire in agents/transport/wire/codec.py": f"{kind}Command".replace("_", "").lower()
        in codec.lower(),
        "a handler in agents/runner/commands/registry.py:COMMANDS": kind in COMMANDS,
        "an id `KIND_command_id` in deployments/services/lifecycle/command_ids.py, and its end in finish.py": (
            f"def {kind}_command_id" in lifecycle
        ),
    }


def is_kept(of: type | None, kind: CommandKind) -> bool:
    """Whether the ledger takes a command of this kind and gives the same one back."""
    if of is None:
        return False
    fields = {field.name: field for field in dataclasses.fields(of)}
    needed = {name for name, field in fields.items() if field.default is dataclasses.MISSING
              and field.default_factory is dataclasses.MISSING}  # fmt: skip
    command = of(**{name: {} if "Mapping" in str(fields[name].type) else "" for name in needed})
    return (
        payloads.kind_of(command) is kind
        and type(payloads.from_json(kind=kind, payload=payloads.to_json(command))) is of
    )


@pytest.mark.parametrize("kind", list(CommandKind))
def test_a_command_has_all_its_places(kind: CommandKind) -> None:
    missing = [place for place, is_there in places_of_command(kind).items() if not is_there]
    assert not missing, f"the command {kind.value!r} needs {missing[0]}"


def test_a_command_of_the_agent_is_known_to_the_ledger() -> None:
    new = sorted(COMMANDS.keys() - set(CommandKind))
    assert not new, f"the command {new[0]!r} needs a name in agents/states.py:CommandKind"


@pytest.mark.parametrize("event", list(EventType))
def test_an_event_has_all_its_places(event: EventType) -> None:
    schema = ROOT / f"deployments/schemas/{event.value}.json"
    assert schema.is_file(), f"the event {event.value!r} needs a schema, deployments/schemas/{event.value}.json"
    assert json.loads(schema.read_text())["properties"]["type"]
    timeline = (ROOT / "templates/static/axion/timeline.js").read_text()
    shown = event in NOT_IN_TIMELINE or f'"{event.value}"' in timeline
    assert shown, f"the event {event.value!r} needs a sentence in templates/static/axion/timeline.js"
    stored = [
        path.name for path in (ROOT / "deployments").rglob("*.py") if f"EventType.{event.name}" in path.read_text()
    ]
    assert stored, f"the event {event.value!r} is stored nowhere: append it in the transaction of what it announces"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(DeploymentFilter)])
def test_a_filter_of_deployments_has_all_its_places(field: str) -> None:
    places = {
        "a parameter that deployments/api/endpoints/deployment_endpoints.py:filter_in reads": (
            field in NOT_OVER_REST or f" {field}=" in inspect.getsource(filter_in)
        ),
        "its reading in deployments/admin/filters.py:chosen_filter": (
            field in NOT_IN_ADMIN or f" {field}=" in inspect.getsource(chosen_filter)
        ),
        "a class in DEPLOYMENT_FILTERS of deployments/admin/filters.py": (
            field in NOT_IN_ADMIN or any(field in filtered_by(each) for each in DEPLOYMENT_FILTERS)
        ),
    }
    missing = [place for place, is_there in places.items() if not is_there]
    assert not missing, f"the filter {field!r} of deployments needs {missing[0]}"


def filtered_by(filter_class: Any) -> tuple[str, ...]:
    """The fields that one class narrows by: that of its name, or several."""
    return getattr(filter_class, "fields", (filter_class.parameter_name,))


NEEDS = ["A node key", "A filter of the lists of deployments", "A command to the agent", "An event"]


@pytest.mark.parametrize("heading", NEEDS)
def test_contributing_lists_what_it_needs(heading: str) -> None:
    needs = CONTRIBUTING.partition("needs\n")[2]
    assert f"**{heading}**" in needs, f"CONTRIBUTING.md: 'What a change needs' has no entry **{heading}**"
