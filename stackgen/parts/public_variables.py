"""Variables that frameworks of browsers put into pages while code is built, when a container's are not there yet."""

from __future__ import annotations

from collections.abc import Iterable

from stackgen.parts.types import Part

PREFIXES = (
    "NEXT_PUBLIC_", "NUXT_PUBLIC_", "VITE_", "REACT_APP_", "VUE_APP_", "GATSBY_", "EXPO_PUBLIC_", "NG_APP_",
)  # fmt: skip


def missing_in_build(parts: Iterable[Part]) -> list[str]:
    """Return a warning for each variable of a service with code that its pages would be built without."""
    return [
        f"{part.node.label!r}: env.{name} is read while the code is built, and variables are there only when it runs: "
        f"write a Dockerfile with ARG {name}, and give buildArg.{name}"
        for part in parts
        if part.bundle_digest
        for name in part.node.settings.env
        if name.startswith(PREFIXES) and name not in part.node.settings.build_args
    ]
