"""Code that codegen-service wrote into the shared folder: read from there alone, whatever path is named."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from deployments.models import CodeBundle, Deployment
from deployments.states import Reason, Status
from deployments.types import Caller
from tests.contract.peers.scene import (
    PROJECT,
    RESULT,
    Be,
    ask_for,
    enrol,
    run,
)
from tests.factories import NOW

pytestmark = [pytest.mark.django_db]


@pytest.mark.parametrize("path", ["../outside", "/etc", "link", ".", "", "shop/missing", "shop/web\u0000"])
def test_code_comes_from_the_shared_folder_alone(
    alice: Caller, be: Be, code: Path, path: str, settings: Settings
) -> None:
    settings.AXION_JOB_ATTEMPTS = 1
    outside = code.parent / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_text("FROM caddy:2\n")
    (code / "link").symlink_to(outside)
    be(results={str(PROJECT): [{**RESULT, "generatedCodePath": path}]})
    deployment = ask_for(alice)
    enrol()
    ended = run(deployment)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.PEER)
    assert not CodeBundle.objects.exists()


def test_a_link_inside_the_code_that_leads_out_is_refused(alice: Caller, be: Be, code: Path) -> None:
    (code / "shop" / "web" / "passwords").symlink_to("/etc/passwd")
    deployment = ask_for(alice)
    enrol()
    ended = run(deployment)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.PEER)
    assert "link" in ended.message


def test_an_archive_is_code_too(alice: Caller, be: Be, code: Path) -> None:
    content = b"FROM caddy:2\n"
    with tarfile.open(code / "web.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    deployment = ask_for(alice)
    enrol()
    be(results={str(PROJECT): [{**RESULT, "generatedCodePath": str(code / "web.tar.gz")}]})
    started = run(deployment)
    assert started.status is Status.IN_PROGRESS, started.message
    # The same content as the folder, so the same bundle.
    again = ask_for(alice)
    Deployment.objects.filter(pk=started.id).update(status=Status.SUCCESS, completed_at=NOW)
    be()
    assert run(again, at=9).code == started.code
