"""Code as a bundle: a tar that is the same on every machine, and the facts in it that decide on its Dockerfile."""

from __future__ import annotations

import hashlib
import io
import posixpath
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from stackgen.code.archives import LINKS, TarReader
from stackgen.code.ignore import Ignored, read_ignore
from stackgen.errors import BundleInvalid

__all__ = ["BundleInvalid", "CodeFacts", "bundle_tar", "canonical_tar", "facts_of_tar", "read_directory"]

MAX_BYTES = 50 * 1024 * 1024
MAX_FILES = 20_000
MAX_NAME = 1000
MAX_DEPTH = 100
# Of an unpacked tar: the files, and around each two headers, a long name and padding.
MAX_TAR_BYTES = MAX_BYTES + MAX_FILES * 6 * 512
MAX_TEXT = 256 * 1024
# Of all together: more than every file at the top may have.
MAX_TEXTS = 8 * 1024 * 1024
# Read into CodeFacts.texts in every folder, any of which may be built alone: all that a runtime looks at.
KEY_FILES = frozenset({
    "package.json", "pyproject.toml", "requirements.txt", "Dockerfile", "Procfile", "go.mod", "Cargo.toml", "pom.xml",
    "build.gradle", "build.gradle.kts", "manage.py", "main.py", "app.py", "server.py", "wsgi.py", "asgi.py",
    ".nvmrc", ".node-version", ".python-version", ".ruby-version", ".java-version", ".tool-versions", "mise.toml",
    ".mise.toml", "runtime.txt", "system.properties", "global.json", "rust-toolchain", "rust-toolchain.toml",
    "pnpm-workspace.yaml", "yarn.lock", "angular.json", "composer.json", "Gemfile", "Pipfile", "setup.py", "setup.cfg",
    "app.rb", "config.ru", "go.work", "__init__.py", *(f"{name}.config.{ending}" for name in ("vite", "next", "astro")
                                        for ending in ("js", "ts", "mjs")),
})  # fmt: skip
PROJECT_FILES = (".csproj", ".fsproj", ".vbproj")
MAX_LOCK = 4096


def is_key_file(name: str) -> bool:
    """Return whether runtimes look into a file of this name, in whatever folder."""
    last = PurePosixPath(name).name
    return last in KEY_FILES or "dockerfile" in last.lower() or last.endswith(PROJECT_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """`digest` is the SHA-256 of the bundle's canonical tar; `files` are relative POSIX paths."""

    digest: str
    files: frozenset[str]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    name: str
    content: bytes
    executable: bool


def read_directory(path: Path) -> CodeFacts:
    """Return facts on a directory of code. Raises BundleInvalid as `bundle_tar` does."""
    return _facts(_files_of_directory(path))


def bundle_tar(path: Path) -> tuple[str, bytes]:
    """Return digest and tar of a directory, without what `.dockerignore` and common sense leave out.

    Symbolic links inside the directory are taken as the file they lead to. Raises BundleInvalid for links that lead
    out, devices, more than MAX_FILES files and more than MAX_BYTES bytes.
    """
    content = _tar(_files_of_directory(path))
    return hashlib.sha256(content).hexdigest(), content


def canonical_tar(content: bytes) -> tuple[str, bytes]:
    """Return digest and canonical form of a tar, plain or compressed: what everyone who holds the bytes can check.

    Raises BundleInvalid as `facts_of_tar` does.
    """
    canonical = _tar(_read_tar(content))
    return hashlib.sha256(canonical).hexdigest(), canonical


def facts_of_tar(content: bytes) -> CodeFacts:
    """Return facts on a tar, plain or compressed. Raises BundleInvalid for one damaged, too large or leading out."""
    return _facts(_read_tar(content))


def _read_tar(content: bytes) -> list[_File]:
    try:
        return _files_of_tar(TarReader(content, limit=MAX_TAR_BYTES))
    except (RecursionError, MemoryError, OverflowError) as error:
        raise BundleInvalid(f"not a readable tar: {type(error).__name__}") from error


def _facts(files: list[_File]) -> CodeFacts:
    texts: dict[str, str] = {}
    left = MAX_TEXTS
    # Those at the top first: what lies deeper matters to those who build a folder only.
    for file in sorted(files, key=lambda file: file.name.count("/")):
        # A lock may be long; its beginning says who wrote it.
        is_lock = file.name.endswith("yarn.lock")
        content = file.content[:MAX_LOCK] if is_lock else file.content
        if is_key_file(file.name) and len(content) <= min(MAX_TEXT, left):
            texts[file.name] = content.decode(errors="replace")
            left -= len(content)
    digest = hashlib.sha256(_tar(files)).hexdigest()
    return CodeFacts(digest=digest, files=frozenset(file.name for file in files), texts=texts)


def _tar(files: Iterable[_File]) -> bytes:
    """Return the same bytes for the same names, contents and execute bits, on every machine."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size = len(file.content)
            entry.mode = 0o755 if file.executable else 0o644
            tar.addfile(entry, io.BytesIO(file.content))
    return target.getvalue()


class _Budget:
    """Counts what a bundle holds, before it is held."""

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0

    @property
    def left(self) -> int:
        return MAX_BYTES - self.bytes

    def take(self, size: int) -> None:
        self.files += 1
        self.bytes += size
        if self.files > MAX_FILES:
            raise BundleInvalid(f"more than {MAX_FILES} files")
        if self.bytes > MAX_BYTES:
            raise BundleInvalid(f"more than {MAX_BYTES // 1024**2} MiB")


def _files_of_directory(path: Path) -> list[_File]:
    root = path.resolve()
    if not root.is_dir():
        raise BundleInvalid(f"{path.name} is no directory")
    ignored = read_ignore(root)
    budget = _Budget()
    files = []
    try:
        for file in _walk(root, root, ignored):
            files.append(_read_file(file, _checked_name(file.relative_to(root).as_posix()), root, budget))
    except (OSError, RuntimeError) as error:
        raise BundleInvalid(f"{path.name} cannot be read: {error}") from error
    return sorted(files, key=lambda file: file.name)


def _read_file(path: Path, name: str, root: Path, budget: _Budget) -> _File:
    real = path.resolve(strict=True)
    if not real.is_relative_to(root):
        raise BundleInvalid(f"{name} is a link that leads out of the directory")
    kind = real.stat()
    if not stat.S_ISREG(kind.st_mode):
        raise BundleInvalid(f"{name} is neither a file nor a directory")
    with real.open("rb") as file:
        # What is read counts, not what was there a moment before.
        content = file.read(budget.left + 1)
    budget.take(len(content))
    return _File(name=name, content=content, executable=bool(kind.st_mode & stat.S_IXUSR))


def _walk(folder: Path, root: Path, ignored: Ignored) -> Iterator[Path]:
    for path in _listing(folder):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and not path.is_symlink():
            # A folder that is left out may hold something that an exception takes back in.
            if not ignored.everything_below(name):
                yield from _walk(path, root, ignored)
        elif not ignored.matches(name):
            if path.is_dir():
                raise BundleInvalid(f"{name} is a link to a directory")
            yield path


def _listing(folder: Path) -> list[Path]:
    listed = list(islice(folder.iterdir(), MAX_FILES + 1))
    if len(listed) > MAX_FILES:
        raise BundleInvalid(f"{folder.name} holds more than {MAX_FILES} files")
    return sorted(listed)


def _files_of_tar(tar: TarReader) -> list[_File]:
    budget = _Budget()
    files: dict[str, _File] = {}
    links: dict[str, str] = {}
    for member in tar:
        name = _checked_name(member.name)
        budget.take(member.size)
        if member.is_file:
            files[name] = _File(name=name, content=tar.content(), executable=member.executable)
        elif member.kind in LINKS:
            base = PurePosixPath(name).parent if member.kind == tarfile.SYMTYPE else PurePosixPath()
            links[name] = _checked_name((base / member.linkname).as_posix())
        elif not member.is_directory:
            raise BundleInvalid(f"{name} is neither a file nor a directory")
    for name, target in links.items():
        if target not in files:
            raise BundleInvalid(f"{name} is a link to {target}, which is no file of the bundle")
        budget.take(len(files[target].content))
        files[name] = replace(files[target], name=name)
    return [files[name] for name in sorted(files)]


def _checked_name(name: str) -> str:
    """Return a relative path without detours. Raises BundleInvalid when it leads outside or cannot be written."""
    path = posixpath.normpath(name)
    if name.startswith("/") or path == ".." or path.startswith("../"):
        raise BundleInvalid(f"{name!r} leads out of the bundle")
    if len(path) > MAX_NAME or path.count("/") >= MAX_DEPTH or any(character in path for character in "\0\n\r\\"):
        raise BundleInvalid(f"{name[:80]!r} is no usable file name")
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise BundleInvalid(f"{name!r} is not UTF-8") from error
    return path
