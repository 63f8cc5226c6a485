"""Any archive is a bundle or is refused, and reading it stays within memory and time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackgen.code import archives, bundle
from stackgen.code.bundle import BundleInvalid, canonical_tar, facts_of_tar
from tests.attacks.inputs.archives import BLOCK, ended, file, header, pax, xz_of_large_dictionary

KIB = 1024
# The bounds of these tests: small, so that ten times as much is quickly made.
BOUNDS = {"MAX_BYTES": 64 * KIB, "MAX_FILES": 20, "MAX_TAR_BYTES": 128 * KIB}
# The upload is there already; the unpacked files and their tar, each at most twice while they are put together.
MAX_PEAK_BYTES = 8 * BOUNDS["MAX_TAR_BYTES"]
MAX_SECONDS = 2.0

sizes = st.sampled_from([-1, 0, 1, 511, 512, 513, 64 * KIB, 64 * KIB + 1, 640 * KIB, 2**33, 2**62, 2**88])
kinds = st.sampled_from([
    tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE,
    tarfile.CONTTYPE, b"Z",
])  # fmt: skip
keys = st.sampled_from(["path", "linkpath", "size", "mtime", "GNU.sparse.size", "GNU.sparse.name", "comment", "uid"])
texts = st.one_of(st.text(max_size=40), st.sampled_from(["-1", "0", "512", "9" * 30, "../x", "a/" * 300, "x" * 5000]))
names = st.sampled_from(["a", "b/c", "Dockerfile", "../x", "/x", "d/", "ü", "x" * 90])
honest = st.builds(lambda name, size: file(bytes(size), name), names, st.integers(0, 2000))
extended = st.lists(st.tuples(keys, texts), max_size=3).map(lambda records: pax(*records))


def announced(name: str, kind: bytes, size: int, content: int) -> bytes:
    """A header that says one size, and another one behind it."""
    field = b"\xff" * 12 if size < 0 else b"\x80" + min(size, 2**87).to_bytes(11)
    return header(name, kind=kind, field=field) + bytes(content)


lying = st.builds(announced, names, kinds, sizes, st.sampled_from([0, 512, 1024, 640 * KIB]))
junk = st.binary(max_size=700)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": lambda content: gzip.compress(content, 1),
    "bz2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
    "twice": lambda content: gzip.compress(content[:1000], 1) + gzip.compress(content[1000:], 1),
}


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    parts = draw(st.lists(st.one_of(honest, honest, extended, lying, junk), max_size=30))
    joined = b"".join(parts)
    content = bytearray(ended(joined) if draw(st.booleans()) else joined)
    for place in draw(st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=3)) if content else []:
        content[place] = draw(st.integers(0, 255))
    packed = PACKED[draw(st.sampled_from(sorted(PACKED)))](bytes(content))
    return bytes(packed[: len(packed) - draw(st.sampled_from([0, 0, 0, 1, 9, 100]))])


@pytest.fixture(scope="module", autouse=True)
def _small_bounds() -> Any:
    with pytest.MonkeyPatch.context() as patched:
        for name, bound in BOUNDS.items():
            patched.setattr(bundle, name, bound)
        yield


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(tars())
def test_any_archive_is_a_bundle_or_is_refused(content: bytes) -> None:
    tracemalloc.start()
    began = time.thread_time()
    try:
        digest, canonical = canonical_tar(content)
    except BundleInvalid:
        canonical = b""
    finally:
        seconds, (_, peak) = time.thread_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MAX_PEAK_BYTES
    assert seconds < MAX_SECONDS
    if canonical:
        assert canonical_tar(canonical) == (digest, canonical)
        with tarfile.open(fileobj=io.BytesIO(canonical)) as tar:
            members = tar.getmembers()
        assert sum(member.size for member in members) <= BOUNDS["MAX_BYTES"]
        assert len(members) <= BOUNDS["MAX_FILES"]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("packed", sorted(PACKED))
def test_what_tarfile_writes_is_read_as_tarfile_reads_it(form: int, packed: str) -> None:
    target = io.BytesIO()
    long = "/".join(["folder"] * 13) + "/name.py"
    wanted = {"main.py": b"print(1)\n", "empty": b"", long: b"x" * 700, "ü.txt": b"y"}
    if form != tarfile.USTAR_FORMAT:
        wanted["x" * 200 + "/" + "y" * 200] = b"z"
    with tarfile.open(fileobj=target, mode="w", format=form, pax_headers={"comment": "all"}) as tar:
        for name, content in wanted.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1.5
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("also.py")
        link.type, link.linkname = tarfile.SYMTYPE, "main.py"
        tar.addfile(link)
    content = PACKED[packed](target.getvalue())
    assert facts_of_tar(content).files == {*wanted, "also.py"}
    _, canonical = canonical_tar(content)
    with tarfile.open(fileobj=io.BytesIO(canonical)) as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        assert {name: reader.read() for name, reader in found.items() if reader} == {**wanted, "also.py": b"print(1)\n"}


@pytest.mark.parametrize("over", [0, 1])
def test_an_extended_header_has_a_bound(over: int) -> None:
    name = b"n" + bytes(archives.MAX_EXTENSION_BYTES - 1 + over)
    long = header("long", kind=tarfile.GNUTYPE_LONGNAME, size=len(name)) + name + bytes(-len(name) % BLOCK)
    if not over:
        assert facts_of_tar(ended(long + file())).files == {"n"}
        return
    with pytest.raises(BundleInvalid, match="announces 65537 bytes"):
        facts_of_tar(ended(long + file()))


def test_a_dictionary_that_needs_too_much_memory_is_named() -> None:
    with pytest.raises(BundleInvalid, match=r"[Mm]emory"):
        facts_of_tar(xz_of_large_dictionary())
