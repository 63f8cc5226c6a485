"""Java with Maven or Gradle: one archive that `java -jar` runs."""

from __future__ import annotations

import re

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe

GRADLE_FILES = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradle.properties")


RELEASES = ("8", "11", "17", "21", "25")
ASKED = re.compile(
    r"<(?:java\.version|maven\.compiler\.(?:release|source)|release)>\s*(?:1\.)?(\d+)"
    r"|JavaLanguageVersion\.of\((\d+)\)|jvmToolchain\((\d+)\)|sourceCompatibility\s*=\s*\D*?(?:1\.|1_)?(\d+)"
    r"|^java\.runtime\.version=(?:1\.)?(\d+)",
    re.MULTILINE,
)
INCLUDED = re.compile(r"<modules>")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when neither Maven nor Gradle knows how to build the code."""
    if not recognises(facts):
        raise CannotBuild(field="code", message="has neither pom.xml nor build.gradle")
    is_maven = "pom.xml" in facts.files
    in_parts = INCLUDED.search(facts.texts.get("pom.xml", "")) is not None if is_maven else _has_subprojects(facts)
    values = {
        "tool": "maven" if is_maven else "gradle",
        "in_parts": in_parts,
        "build_files": " ".join(name for name in GRADLE_FILES if name in facts.files),
        "start": exec_form(settings.command or "java -jar app.jar"),
    }
    release = _asked_release(facts)
    return Recipe(
        template="dockerfiles/java.j2",
        values=values,
        probe="wget",
        warnings=(
            ("has several parts: the largest archive of a program is what runs; a Dockerfile can say another",)
            if in_parts
            else ()
        ),
        releases=dict.fromkeys(("maven", "gradle", "java"), release),
    )


def recognises(facts: CodeFacts) -> bool:
    return bool(facts.files & {"pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"})


def _has_subprojects(facts: CodeFacts) -> bool:
    return any(name.endswith(("/build.gradle", "/build.gradle.kts")) for name in facts.files)


def _asked_release(facts: CodeFacts) -> str:
    """Return the newest release that a build file names, empty where none is known."""
    endings = ("pom.xml", "build.gradle", "build.gradle.kts", "system.properties")
    texts = [text for name, text in facts.texts.items() if name.rpartition("/")[2] in endings]
    found = [next(filter(None, groups)) for text in texts for groups in ASKED.findall(text)]
    found += re.findall(r"^(?:\D*-)?(\d+)", facts.texts.get(".java-version", ""))
    return max((each for each in found if each in RELEASES), key=int, default="")
