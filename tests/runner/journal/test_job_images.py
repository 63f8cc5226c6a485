"""Which image a job ran in is known of the newest release that had this very job."""

from __future__ import annotations

from pathlib import Path

from agents.contracts import runner_pb2 as pb
from agents.runner.journal.releases import Before, Releases
from agents.runner.journal.store import Store
from agents.runner.planning.model import Target


def begin(releases: Releases, name: str, *, content_hash: str, image: str) -> None:
    service = pb.ServiceSpec(name="seed", image="seed:1", content_hash=content_hash)
    deploy = pb.Deploy(
        stack_name="s", files={"docker-compose.yml": "services: {}"}, jobs=[pb.JobSpec(service=service, by_hand=True)]
    )
    command = pb.Command(command_id=name, lane="l", number=1, deployment_id=name, project_id="p", deploy=deploy)
    releases.begin(command=command, before=Before(), base="")
    images = {"seed": image} if image else {}
    releases.apply(deployment_id=name, target=Target(services=(), owners={}, images=images))


def test_a_release_that_does_not_know_it_hides_none_that_does(tmp_path: Path) -> None:
    releases = Releases(store=Store(tmp_path / "journal.sqlite3"), folder=tmp_path)
    begin(releases, "d1", content_hash="one", image="sha256:1")
    begin(releases, "d2", content_hash="two", image="sha256:2")
    begin(releases, "d3", content_hash="one", image="")
    found = [releases.job_image(stack="s", job="seed", content_hash=each) for each in ("one", "two", "three")]
    assert found == ["sha256:1", "sha256:2", ""]
    assert releases.job_image(stack="another", job="seed", content_hash="one") == ""
