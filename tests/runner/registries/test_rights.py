"""A registry with tokens: who may pull and not push is told so by name, in a test of the registry and in builds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.pulling import pull_image, signed_in
from agents.runner.errors import StepFailedError
from agents.runner.planning.codec import release_of
from axion_deploy.embedded.ports import free_port
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import login
from tests.runner.registries.projects import CodeProject
from tests.runner.registries.test_checking import check_of
from tests.runner.registries.works import NAMESPACE, Works, clean, digest, tags_of, working
from tests.servers.own_registry import find_program
from tests.servers.token_registry import Grants, TokenRegistry

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]
WRITER, READER, NOBODY, CLEANER = "writer", "reader", "nobody", "cleaner"
V1, V2 = "1" * 16, "2" * 16


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenRegistry]:
    rights = {WRITER: "pull push", READER: "pull", NOBODY: "", CLEANER: "pull push delete"}
    grants = Grants({user: frozenset(actions.split()) for user, actions in rights.items()})
    registry = TokenRegistry(
        grants=grants, folder=tmp_path_factory.mktemp("tokens"), address=f"127.0.0.1:{free_port()}"
    )
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture
def start(gateway: TestGateway, tmp_path: Path) -> Iterator[Callable[[], Agent]]:
    made = Agent(state_dir=tmp_path / "agent" / "state", port=gateway.port)
    (tmp_path / "agent").mkdir()

    def begin() -> Agent:
        made.start(AXION_AGENT__POLICY__REGISTRY_CERTIFICATES="true")
        return made

    yield begin
    if made.process is not None and made.process.poll() is None:
        made.terminate()
        sys.stdout.write(made.log())


@pytest.fixture
def works(tokens: TokenRegistry, gateway: TestGateway, tmp_path: Path) -> Iterator[Works]:
    with working(gateway=gateway, folder=tmp_path, address=tokens.address, patience=5) as made:
        yield made


def test_a_test_of_the_registry_says_what_each_user_may_do(
    start: Callable[[], Agent], gateway: TestGateway, tokens: TokenRegistry
) -> None:
    start()
    tried = [
        ({"username": WRITER}, pb.SUCCEEDED, "signs in as writer. Images may be pushed to team."),
        ({"username": READER}, pb.SUCCEEDED, "pushing to team is not allowed, which clusters need."),
        ({"username": WRITER, "password": "wrong and wrong"}, pb.FAILED, "does not accept writer"),
        ({"username": "", "password": ""}, pb.FAILED, "no login for it is stored"),
    ]
    for changes, outcome, said in tried:
        gateway.registries = [login(tokens, address=tokens.address, **changes)]
        command = check_of(tokens.address)
        gateway.send(command)
        finished = gateway.finished(command.command_id, seconds=60)
        assert (finished.outcome, said in finished.message) == (outcome, True), (changes, finished.message)


def test_a_build_says_which_right_is_missing(
    works: Works, gateway: TestGateway, tokens: TokenRegistry, project: CodeProject
) -> None:
    gateway.registries = [login(tokens, address=tokens.address, username=READER)]
    with pytest.raises(StepFailedError) as failed:
        works.publish(project.version(V1))
    assert (failed.value.reason, failed.value.service) == ("image", "web")
    image = f"{tokens.address}/{NAMESPACE}/{project.name}-web:{V1}"
    said = f"The registry {tokens.address} knows reader and does not let this user push {image}: give the user the"
    assert said in failed.value.message
    # With a wrong password it is the login that is named.
    gateway.registries = [login(tokens, address=tokens.address, username=WRITER, password="wrong and wrong")]
    with pytest.raises(StepFailedError, match="does not accept writer"):
        works.publish(project.version(V1))

    gateway.registries = [login(tokens, address=tokens.address, username=WRITER)]
    published = works.publish(project.version(V1))
    uploads = tokens.uploads()
    assert works.publish(project.version(V1)) == published
    assert tokens.uploads() == uploads

    # Pulled by who may, and named who may not.
    project.remove_images()
    pulled = project.of_image(f"{tokens.address}/{project.repository()}:{V1}")
    for user, lacks in ((NOBODY, "does not let this user pull"), (READER, "")):
        gateway.registries = [login(tokens, address=tokens.address, username=user)]
        command = pulled()
        work, release = works.on(command), release_of(command)
        with signed_in(work=work, release=release) as signed:
            expected = pytest.raises(StepFailedError, match=lacks) if lacks else nullcontext()
            with expected:
                pull_image(work=signed, service=release.services[0], interrupt=work.interrupt)


def test_a_user_who_may_not_delete_is_told_once_and_one_who_may_deletes(
    works: Works, gateway: TestGateway, tokens: TokenRegistry, project: CodeProject, tmp_path: Path
) -> None:
    gateway.registries = [login(tokens, address=tokens.address, username=WRITER)]
    first, published = works.publish(project.version(V1)), works.publish(project.version(V2))
    told = [clean(works, project.version(V2), published) for _ in range(2)]
    assert ("It does not let this user delete." in told[0], told[1]) == (True, "")
    gateway.registries = [login(tokens, address=tokens.address, username=CLEANER)]
    clean(works, project.version(V2), published)
    assert tags_of(tokens, project.repository(), tmp_path, user=CLEANER) == {V2}
    assert digest(first) != digest(published)
