"""Code of codegen-service: it writes into a folder that we read, one path for each service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from deployments.clients.envelope import PeerTroubled, member, text_of
from deployments.clients.peers import GENERATE_PROJECT, ask, metadata_of
from deployments.errors import PeerFailed, PeerRefused
from deployments.types import Caller
from stackgen.code.bundle import MAX_BYTES, bundle_tar, canonical_tar
from stackgen.errors import BundleInvalid

PENDING, GENERATING, ERROR, DELETED = 1, 2, 4, 6
MAX_ERRORS_SHOWN = 10


def generated_code(*, caller: Caller, project_id: UUID) -> Mapping[str, Path]:
    """Return the path of each node's code by node id, once all services of the project are generated.

    Raises PeerRefused with the validation errors of services that could not be, PeerTroubled while some are under way,
    and what `ask` does.
    """
    metadata = metadata_of(caller=caller, project_id=project_id)
    payload = {"metadata": metadata, "projectId": str(project_id), "forceRegenerate": False, "aiModel": ""}
    results = member(ask(GENERATE_PROJECT, payload), "results")
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise PeerFailed("codegen-service answered without results.")
    wanted = [result for result in results if result.get("status") != DELETED]
    if failed := [result for result in wanted if result.get("status") == ERROR]:
        raise PeerRefused(f"codegen-service could not generate {sentence_of(failed)}", details=errors_of(failed))
    if waiting := [result for result in wanted if result.get("status") in (PENDING, GENERATING)]:
        raise PeerTroubled(f"codegen-service still generates {', '.join(map(name_of, waiting))}.")
    return {str(result.get("nodeId")): checked_path(result) for result in wanted}


def bundle_of(path: Path) -> tuple[str, bytes]:
    """Return digest and tar of a folder or an archive of code.

    Raises PeerRefused for what cannot be a bundle, PeerFailed when the files cannot be read now.
    """
    try:
        if path.is_dir():
            return bundle_tar(path)
        # Opening a pipe would wait for ever.
        if path.exists() and not path.is_file():
            raise PeerRefused(f"The code at {path.name} is neither a folder nor a file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise PeerRefused(f"The code at {path.name} is larger than {MAX_BYTES // 1024**2} MiB.")
        return canonical_tar(content)
    except BundleInvalid as error:
        raise PeerRefused(f"The code at {path.name} cannot be used: {error}") from error
    except OSError as error:
        raise PeerFailed(f"The code at {path.name} cannot be read: {error.strerror}.") from error


def checked_path(result: Mapping[str, Any]) -> Path:
    """Return the path of a result, below AXION_CODE_FOLDER whatever links it goes through. Raises PeerRefused."""
    if not settings.AXION_CODE_FOLDER:
        raise PeerRefused("AXION_CODE_FOLDER is not set: it names the folder that codegen-service writes to.")
    folder = Path(settings.AXION_CODE_FOLDER).resolve()
    relative = result.get("generatedCodePath")
    if not isinstance(relative, str) or not relative or "\x00" in relative:
        raise PeerRefused(f"codegen-service gave no code for {name_of(result)}.")
    path = (folder / relative).resolve()
    if path == folder or not path.is_relative_to(folder):
        raise PeerRefused(f"The code of {name_of(result)} lies outside of the shared folder.")
    return path


def name_of(result: Mapping[str, Any]) -> str:
    return text_of(result.get("serviceName") or result.get("nodeId") or "a service")


def sentence_of(failed: Iterable[Mapping[str, Any]]) -> str:
    """Return each service with what is wrong with it, for people."""
    errors = errors_of(failed)
    return "; ".join(f"{name}: {error}" for name, error in list(errors.items())[:MAX_ERRORS_SHOWN]) + "."


def errors_of(failed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the validation errors of each service, by its name."""
    errors = {}
    for result in failed:
        reported = result.get("validationErrors")
        listed = reported if isinstance(reported, list) else [reported]
        errors[name_of(result)] = (
            ", ".join(text_of(error) for error in listed[:MAX_ERRORS_SHOWN] if error) or "no reason given"
        )
    return errors
