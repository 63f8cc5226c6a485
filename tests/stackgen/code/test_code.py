"""Bundles: the same tree gives the same digest and bytes, and nothing leads out of one."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stackgen.code import bundle
from stackgen.code.bundle import BundleInvalid, bundle_tar, facts_of_tar, read_directory


def plant(folder: Path, **extra: str) -> Path:
    for name, text in {"main.py": "print(1)\n", "lib/b.py": "", "requirements.txt": "redis\n", **extra}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = plant(tmp_path / "one"), plant(tmp_path / "other")
    os.utime(other / "main.py", (1, 1))
    (other / "main.py").chmod(0o600)
    assert bundle_tar(one) == bundle_tar(other)
    digest, content = bundle_tar(one)
    facts = facts_of_tar(content)
    assert facts == read_directory(one)
    assert facts.digest == digest
    assert facts.files == {"main.py", "lib/b.py", "requirements.txt"}
    assert facts.texts == {"main.py": "print(1)\n", "requirements.txt": "redis\n"}


def test_content_name_and_execute_bit_count(tmp_path: Path) -> None:
    digests = {bundle_tar(plant(tmp_path / "a"))[0]}
    digests.add(bundle_tar(plant(tmp_path / "b", **{"main.py": "print(2)\n"}))[0])
    digests.add(bundle_tar(plant(tmp_path / "c", x=""))[0])
    runs = plant(tmp_path / "d")
    (runs / "main.py").chmod(0o755)
    digests.add(bundle_tar(runs)[0])
    assert len(digests) == 4


def test_what_is_no_code_is_left_out(tmp_path: Path) -> None:
    ignore = "# all\n*.log\n!keep.log\ndocs/**\nbuild\n"
    names = ["a.log", "keep.log", "docs/x/y", "build/z", ".git/c", "n/node_modules/p", "n/__pycache__/q", "n/.git/r"]
    plant(tmp_path, **dict.fromkeys(names, ""), **{".dockerignore": ignore, "sub/a.log": ""})
    assert read_directory(tmp_path).files == {
        ".dockerignore", "main.py", "lib/b.py", "requirements.txt", "keep.log", "sub/a.log",
    }  # fmt: skip


def test_a_link_inside_is_the_file_it_leads_to(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "also.py").symlink_to("main.py")
    _, content = bundle_tar(tmp_path)
    assert facts_of_tar(content).digest == read_directory(tmp_path).digest
    linked = tar_of(lambda tar: add_all(tar, ("main.py", b"x", ""), ("l/b", b"", "../main.py")))
    assert facts_of_tar(linked).files == {"main.py", "l/b"}


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside", "nowhere"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").write_text("x")
    folder = plant(tmp_path / "code")
    (folder / "link").symlink_to(target)
    with pytest.raises(BundleInvalid):
        bundle_tar(folder)


def test_a_link_to_a_directory_and_a_device_are_refused(tmp_path: Path) -> None:
    one = plant(tmp_path / "one")
    (one / "again").symlink_to("lib")
    other = plant(tmp_path / "other")
    os.mkfifo(other / "pipe")
    for folder in (one, other):
        with pytest.raises(BundleInvalid):
            bundle_tar(folder)


def add(
    tar: tarfile.TarFile, name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size, entry.mtime = kind, link, len(content), time.time()
    tar.addfile(entry, io.BytesIO(content))


def add_all(tar: tarfile.TarFile, *entries: tuple[str, bytes, str]) -> None:
    """Files, and symbolic links where the third says where to."""
    for name, content, link in entries:
        add(tar, name, content, kind=tarfile.SYMTYPE if link else tarfile.REGTYPE, link=link)


def tar_of(fill: Callable[[tarfile.TarFile], object]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        fill(tar)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../x", tarfile.REGTYPE, ""), ("/x", tarfile.REGTYPE, ""), ("a/../../x", tarfile.REGTYPE, ""),
        ("x", tarfile.SYMTYPE, "/etc/passwd"), ("a/x", tarfile.SYMTYPE, "../../x"), ("x", tarfile.LNKTYPE, "../x"),
        ("x", tarfile.SYMTYPE, "nowhere"), ("x", tarfile.CHRTYPE, ""), ("x", tarfile.FIFOTYPE, ""),
        ("a\nb", tarfile.REGTYPE, ""), ("x" * 2000, tarfile.REGTYPE, ""), ("a\\b", tarfile.REGTYPE, ""),
    ],
)  # fmt: skip
def test_a_tar_that_leads_outside_is_refused(name: str, kind: bytes, link: str) -> None:
    with pytest.raises(BundleInvalid):
        facts_of_tar(tar_of(lambda tar: add(tar, name, kind=kind, link=link)))


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_tar_is_refused(content: bytes) -> None:
    with pytest.raises(BundleInvalid):
        facts_of_tar(content)


def test_too_much_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 1024)
    monkeypatch.setattr(bundle, "MAX_FILES", 3)
    with pytest.raises(BundleInvalid, match="MiB"):
        facts_of_tar(tar_of(lambda tar: add(tar, "x", bytes(2000))))
    with pytest.raises(BundleInvalid, match="files"):
        facts_of_tar(tar_of(lambda tar: add_all(tar, *((str(number), b"", "") for number in range(4)))))
    with pytest.raises(BundleInvalid, match="MiB"):
        facts_of_tar(tar_of(lambda tar: add_all(tar, ("x", bytes(600), ""), ("y", b"", "x"))))
