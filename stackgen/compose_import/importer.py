"""Compose files in, a graph and a report out. Pure: reads through the files that it is given, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stackgen.compose_import.becoming.whole import Imported, become_graph
from stackgen.compose_import.notation.opened import Files
from stackgen.compose_import.notation.project import read_project

__all__ = ["Imported", "import_compose"]


def import_compose(
    *,
    files: Files,
    paths: Sequence[str],
    env_files: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    profiles: Iterable[str] = (),
    in_place: bool = False,
) -> Imported:
    """Return the graph of these Compose files, later ones over earlier ones, with a line for all that they say.

    `in_place`: nodes refer to the volumes that are on the host under their present names.
    Raises ComposeInvalid, naming file, line and path, for what is no Compose file.
    """
    project = read_project(files=files, paths=paths, env_files=env_files, environment=environment, profiles=profiles)
    return become_graph(project, files=files, in_place=in_place)
