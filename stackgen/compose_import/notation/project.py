"""Everything that belongs to one application: files merged, others included and extended, profiles chosen."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stackgen.compose_import.complaints import Complaint, ComposeInvalid, refused
from stackgen.compose_import.notation.documents import read_documents
from stackgen.compose_import.notation.dotenv import read_dotenv
from stackgen.compose_import.notation.interpolation import interpolated_tree
from stackgen.compose_import.notation.merging import Merge, without_resets
from stackgen.compose_import.notation.opened import Files
from stackgen.compose_import.notation.shorthands import Directory, canonical_service, from_directory, pairs
from stackgen.compose_import.tree import Leaves, Place, Tree

MAX_FILES = 50
MAX_SERVICES = 1_000
MAX_EXTENDS = 20
SECTIONS = ("services", "networks", "volumes", "configs", "secrets")


@dataclass(kw_only=True, eq=False)
class ComposeProject:
    """One application as its files say it. `left_out` holds services whose profiles nobody chose.

    `replaced` pairs what a later file changed with the place that did; `removed` is what a `!reset` took away.
    """

    document: Tree
    leaves: Leaves
    variables: Mapping[str, str]
    left_out: dict[str, Tree] = field(default_factory=dict)
    replaced: list[tuple[Place, Place]] = field(default_factory=list)
    removed: list[Place] = field(default_factory=list)
    resolved: list[tuple[Place, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.document.at("name")

    def section(self, name: str) -> dict[str, Tree]:
        """Return the members of `services`, `networks`, `volumes`, `configs` or `secrets`."""
        tree = self.document.get(name)
        return tree.mapping if tree is not None else {}


@dataclass(kw_only=True, eq=False)
class _Loader:
    files: Files
    leaves: Leaves = field(default_factory=Leaves)
    merge: Merge = field(default_factory=Merge)
    resolved: list[tuple[Place, str]] = field(default_factory=list)
    opened: int = 0

    def documents(self, file: str, variables: Mapping[str, str]) -> list[Tree]:
        """Return the documents of a file with their variables filled in."""
        self.opened += 1
        if self.opened > MAX_FILES:
            raise refused(Place(file), f"is one more than the {MAX_FILES} files that may be read for one project")
        content = self.files.read(file)
        if content is None:
            raise refused(Place(file), "cannot be read: it is not among the files")
        found = []
        for document in read_documents(file=file, content=content):
            self.leaves.add(document)
            found.append(interpolated_tree(document, variables))
        return found

    def load(self, paths: Sequence[str], directory: Directory, variables: Mapping[str, str], depth: int = 0) -> Tree:
        """Return the merged document of these files, with what they include."""
        if depth > MAX_EXTENDS:
            raise refused(Place(paths[0]), "is included too deeply, or by itself")
        merged: Tree | None = None
        for path in paths:
            for document in self.documents(path, variables):
                own = self._canonical(document, path, directory, variables)
                merged = own if merged is None else self.merge.both(merged, own)
        if merged is None:
            raise refused(Place(paths[0]), "is empty")
        return self._with_included(merged, directory, variables, depth)

    def _canonical(self, document: Tree, file: str, directory: Directory, variables: Mapping[str, str]) -> Tree:
        members = dict(document.mapping)
        for section in SECTIONS:
            tree = members.get(section)
            if tree is not None and tree.value is not None and not isinstance(tree.value, dict):
                raise refused(tree.place, "must be a mapping of names")
        services = document.get("services")
        if services is not None:
            members["services"] = services.made(
                {name: self._extended(name, services, file, directory, variables, ()) for name in services.mapping}
            )
        for section in ("volumes", "networks", "configs", "secrets"):
            if (tree := document.get(section)) is not None:
                members[section] = tree.made(
                    {name: _canonical_resource(member, directory) for name, member in tree.mapping.items()}
                )
        return document.made(members)

    def _extended(
        self,
        name: str,
        services: Tree,
        file: str,
        directory: Directory,
        variables: Mapping[str, str],
        seen: tuple[tuple[str, str], ...],
    ) -> Tree:
        """Return a service with what it extends below it."""
        raw = services.mapping[name]
        if raw.value is not None and not isinstance(raw.value, dict):
            raise refused(raw.place, "must be a mapping")
        service = canonical_service(raw, directory)
        extends = service.get("extends")
        if extends is None:
            return service
        if (file, name) in seen or len(seen) > MAX_EXTENDS:
            raise refused(extends.place, "extends itself, over one or several services")
        base = self._base(extends, services, file, directory, variables, (*seen, (file, name)))
        self.resolved.append((extends.place, "what it extends is part of the service now"))
        own = service.made({key: member for key, member in service.mapping.items() if key != "extends"})
        return self.merge.both(base, own, ("services", name))

    def _base(
        self,
        extends: Tree,
        services: Tree,
        file: str,
        directory: Directory,
        variables: Mapping[str, str],
        seen: tuple[tuple[str, str], ...],
    ) -> Tree:
        wanted, other = extends.at("service"), extends.at("file")
        if other:
            documents = self.documents(other, variables)
            file, directory = other, posixpath.dirname(other)
            found = [document.get("services") for document in documents]
            services = next((tree for tree in found if tree is not None and wanted in tree.mapping), services.made({}))
            self.resolved.extend((document.place, "read for what is extended from it") for document in documents)
        if wanted not in services.mapping:
            raise refused(extends.place, f"extends {wanted!r}, which {file} does not have")
        return self._extended(wanted, services, file, directory, variables, seen)

    def _with_included(self, document: Tree, directory: Directory, variables: Mapping[str, str], depth: int) -> Tree:
        include = document.get("include")
        if include is None:
            return document
        if isinstance(include.value, dict):
            raise refused(include.place, "must be a list of files")
        merged = document.made({key: tree for key, tree in document.mapping.items() if key != "include"})
        for item in include.items:
            merged = _joined(merged, self._included(item, directory, variables, depth))
        self.resolved.append((include.place, "what it includes is part of the project now"))
        return merged

    def _included(self, item: Tree, directory: Directory, variables: Mapping[str, str], depth: int) -> Tree:
        path = item.get("path") if item.mapping else item
        paths = [from_directory(each.text, directory) for each in path.items] if path is not None else []
        if not paths:
            raise refused(item.place, "names no file")
        own_directory = item.at("project_directory")
        folder = from_directory(own_directory, directory) if own_directory else posixpath.dirname(paths[0])
        named = item.get("env_file")
        env_files = [from_directory(each.text, directory) for each in named.items] if named is not None else []
        values = _environment(self.files, env_files or [posixpath.join(folder, ".env")], variables)
        return self.load(paths, folder, values, depth + 1)


def read_project(
    *,
    files: Files,
    paths: Sequence[str],
    env_files: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    profiles: Iterable[str] = (),
) -> ComposeProject:
    """Return the project of these files, the first of which says where its folder is.

    `environment` wins over the files of variables; without such files `.env` beside the first file is read. Raises
    ComposeInvalid naming file, line and path.
    """
    directory = posixpath.dirname(paths[0])
    variables = _environment(files, list(env_files) or [posixpath.join(directory, ".env")], environment or {})
    loader = _Loader(files=files)
    merged = loader.load(paths, directory, variables)
    removed: list[Place] = []
    document = without_resets(merged, removed)
    project = ComposeProject(
        document=document,
        leaves=loader.leaves,
        variables=variables,
        replaced=loader.merge.replaced,
        removed=removed,
        resolved=loader.resolved,
    )
    chosen = {*profiles, *filter(None, variables.get("COMPOSE_PROFILES", "").split(","))}
    return _checked(_with_profiles(project, chosen))


def _environment(files: Files, paths: Iterable[str], over: Mapping[str, str]) -> dict[str, str]:
    values = dict(over)
    for path in paths:
        content = files.read(path)
        if content is not None:
            text = content.decode("utf-8", errors="replace")
            values = {**read_dotenv(file=path, text=text, values=values), **values} if path else values
    return values


def _canonical_resource(tree: Tree, directory: Directory) -> Tree:
    members = dict(tree.mapping)
    if not members:
        return tree
    if "file" in members:
        members["file"] = members["file"].made(from_directory(members["file"].text, directory))
    if "labels" in members:
        members["labels"] = pairs(members["labels"])
    return tree.made(members)


def _joined(document: Tree, included: Tree) -> Tree:
    """Return both; what is defined in both must be the same. The including file's own names win nothing."""
    members = dict(document.mapping)
    for section in SECTIONS:
        other, own = included.get(section), document.get(section)
        if other is None:
            continue
        present = dict(own.mapping) if own is not None else {}
        for name, tree in other.mapping.items():
            if name in present and present[name].place != tree.place and _plain(present[name]) != _plain(tree):
                raise refused(present[name].place, f"is defined in {tree.place.file} too, in another way")
            present.setdefault(name, tree)
        members[section] = (own or other).made(present)
    for key, tree in included.mapping.items():
        if key not in SECTIONS and key not in {"name", "version"}:
            members.setdefault(key, tree)
    return document.made(members)


def _plain(tree: Tree) -> object:
    if isinstance(tree.value, dict):
        return {key: _plain(member) for key, member in tree.value.items()}
    return [_plain(item) for item in tree.value] if isinstance(tree.value, list) else tree.value


def _with_profiles(project: ComposeProject, chosen: set[str]) -> ComposeProject:
    services = project.section("services")
    active = {}
    for name, service in services.items():
        profiles = service.get("profiles")
        wanted = {item.text for item in profiles.items} if profiles is not None else set()
        if not wanted or wanted & chosen or "*" in chosen:
            active[name] = service
        else:
            project.left_out[name] = service
    tree = project.document.get("services")
    if tree is not None:
        project.document = project.document.made({**project.document.mapping, "services": tree.made(active)})
    return project


def _checked(project: ComposeProject) -> ComposeProject:
    """Raise ComposeInvalid for what no engine could start, with every reason at once."""
    services = project.section("services")
    complaints = []
    if not services:
        left = f"; all have profiles: {', '.join(project.left_out)}" if project.left_out else ""
        complaints.append(Complaint(place=project.document.place, message=f"has no services{left}"))
    if len(services) > MAX_SERVICES:
        complaints.append(
            Complaint(place=project.document.place, message=f"has more than {MAX_SERVICES} services: {len(services)}")
        )
    for name, service in services.items():
        if service.get("image") is None and service.get("build") is None and service.get("provider") is None:
            complaints.append(Complaint(place=service.place, message=f"{name} has neither image nor build"))
        complaints.extend(_unknown(service, services, project))
    if complaints:
        raise ComposeInvalid(complaints)
    return project


def _unknown(service: Tree, services: Mapping[str, Tree], project: ComposeProject) -> Iterable[Complaint]:
    for key, known in (("networks", project.section("networks")), ("depends_on", {**services, **project.left_out})):
        tree = service.get(key)
        for name, member in (tree.mapping if tree is not None else {}).items():
            if name not in known and not (key == "networks" and name == "default"):
                what = "network" if key == "networks" else "service"
                yield Complaint(place=member.place, message=f"{name!r} is no {what} of this project")
    for key in ("secrets", "configs"):
        tree = service.get(key)
        for item in tree.items if tree is not None else []:
            if item.at("source") not in project.section(key):
                yield Complaint(place=item.place, message=f"{item.at('source')!r} is not among the project's {key}")
