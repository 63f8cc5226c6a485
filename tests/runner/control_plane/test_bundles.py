"""Code on the host: what is used is what the digest names, and unpacking has bounds whatever came."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from agents.runner.control_plane import bundles as module
from agents.runner.control_plane import unpack
from agents.runner.control_plane.bundles import Bundles
from agents.runner.control_plane.client import ControlPlane
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt
from stackgen.code import bundle as code
from tests.runner.gateway import tar_of

GOOD = tar_of({"main.py": "print('good')"})
DIGEST = f"sha256:{hashlib.sha256(GOOD).hexdigest()}"


class Source:
    """Gives a bundle and counts how often it was asked."""

    def __init__(self, content: bytes = GOOD) -> None:
        self.content = content
        self.asked = 0

    def bundle(self, *, digest: str, start: Callable[[], Callable[[bytes], object]], interrupt: Interrupt) -> None:
        self.asked += 1
        take = start()
        for offset in range(0, len(self.content), 1024 * 1024):
            take(self.content[offset : offset + 1024 * 1024])


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(tmp_path: Path) -> Bundles:
    return Bundles(folder=tmp_path / "bundles", max_bytes=10**9)


def content(kept: Bundles, source: Source, *, digest: str = DIGEST) -> dict[str, str]:
    with kept.unpacked(digest=digest, source=cast(ControlPlane, source), interrupt=Interrupt()) as folder:
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damage", [b"", GOOD[:700], tar_of({"main.py": "print('EVIL')"}), GOOD[:-1] + b"x"])
def test_a_bundle_that_is_no_longer_what_its_name_says_is_fetched_again(
    kept: Bundles, source: Source, tmp_path: Path, damage: bytes
) -> None:
    assert content(kept, source) == content(kept, source) == {"main.py": "print('good')"}
    assert source.asked == 1
    (path,) = (tmp_path / "bundles").glob("*.tar")
    path.write_bytes(damage)
    assert content(kept, source) == {"main.py": "print('good')"}
    assert source.asked == 2
    assert path.read_bytes() == GOOD


def test_a_bundle_is_on_the_disk_before_it_has_its_name(
    kept: Bundles, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    folder = tmp_path / "bundles"

    def fsync(descriptor: int) -> None:
        found = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        steps.append("folder" if found == folder else found.suffix)
        assert found == folder or found.stat().st_size == len(GOOD)

    monkeypatch.setattr(os, "fsync", fsync)
    content(kept, source)
    assert steps == [".part", "folder"]


def test_another_content_is_refused_and_leaves_nothing(kept: Bundles, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="arrived with another content"):
        content(kept, Source(tar_of({"main.py": "print('EVIL')"})))
    assert list((tmp_path / "bundles").iterdir()) == []


def test_a_bundle_without_an_end_is_refused_and_leaves_nothing(
    kept: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BUNDLE_BYTES", 2 * 1024 * 1024)
    with pytest.raises(StepFailedError, match="larger than"):
        content(kept, Source(b"x" * 3 * 1024 * 1024))
    assert list((tmp_path / "bundles").iterdir()) == []


def test_the_bounds_here_take_all_that_the_control_plane_takes() -> None:
    headers = code.MAX_FILES * 4 * tarfile.BLOCKSIZE
    assert code.MAX_BYTES + headers < unpack.MAX_BUNDLE_BYTES
    assert unpack.MAX_UNPACKED_BYTES > code.MAX_BYTES
    assert unpack.MAX_MEMBERS > code.MAX_FILES
    assert unpack.MAX_DEPTH > code.MAX_DEPTH
    assert unpack.MAX_HEADER_BYTES > 4 * code.MAX_NAME


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def named(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        info.linkname = "/etc/passwd"
    return info


def told(**pax: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("a")
    info.pax_headers = pax
    return info


def header(kind: bytes, size: int) -> bytes:
    info = named("x", kind)
    info.size = size
    return info.tobuf(format=tarfile.GNU_FORMAT)


def hostile() -> dict[str, bytes]:
    nested = b"".join(header(tarfile.XHDTYPE, 512) + b"11 a=b\n".ljust(512, b"\0") for _ in range(3000))
    return {
        "not a tar": b"x" * 2000,
        "compressed": b"\x1f\x8b\x08" + b"\0" * 2000,
        "negative size": archive((told(**{"GNU.sparse.size": "-1000000000000"}), b"x" * 600)),
        "negative size by pax": archive((told(size="-5000"), b"x" * 600)),
        "a giant by pax": archive((told(size="9" * 15), b"x")),
        "sparse": archive((told(**{"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"}), b"x")),
        "long header": header(tarfile.XHDTYPE, 10 * 1024**2) + b"a" * 10 * 1024**2,
        "long name": header(tarfile.GNUTYPE_LONGNAME, 10 * 1024**2) + b"a" * 10 * 1024**2,
        "nested headers": nested,
        "too large": header(tarfile.REGTYPE, 10**12),
        "device": archive((named("a", tarfile.CHRTYPE), b"")),
        "pipe": archive((named("a", tarfile.FIFOTYPE), b"")),
        "link out": archive((named("a", tarfile.SYMTYPE), b"")),
        "hard link out": archive((named("a", tarfile.LNKTYPE), b"")),
        "name out": archive((named("../../a"), b"x")),
        "deep": archive((named("d/" * 600 + "a"), b"x")),
        "through a link": archive((named("a", tarfile.SYMTYPE), b""), (named("a/b"), b"x")),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_tar_is_refused_at_once(kept: Bundles, tmp_path: Path, case: str) -> None:
    tar = HOSTILE[case]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StepFailedError) as caught:
        content(kept, Source(tar), digest=hashlib.sha256(tar).hexdigest())
    assert caught.value.reason == "build"
    assert "cannot be unpacked" in caught.value.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert [path.suffix for path in (tmp_path / "bundles").iterdir()] == [".tar"]


def test_too_many_members_are_refused(kept: Bundles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_MEMBERS", 3)
    tar = tar_of({str(number): "" for number in range(4)})
    with pytest.raises(StepFailedError, match="more than 3 members"):
        content(kept, Source(tar), digest=hashlib.sha256(tar).hexdigest())
