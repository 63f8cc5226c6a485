"""Java with Maven or Gradle: one archive that `java -jar` runs."""

from __future__ import annotations

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe

GRADLE_FILES = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradle.properties")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when neither Maven nor Gradle knows how to build the code."""
    if not recognises(facts):
        raise CannotBuild(field="code", message="has neither pom.xml nor build.gradle")
    values = {
        "tool": "maven" if "pom.xml" in facts.files else "gradle",
        "build_files": " ".join(name for name in GRADLE_FILES if name in facts.files),
        "start": exec_form(settings.command or "java -jar app.jar"),
    }
    return Recipe(template="dockerfiles/java.j2", values=values, probe="wget")


def recognises(facts: CodeFacts) -> bool:
    return bool(facts.files & {"pom.xml", "build.gradle", "build.gradle.kts"})
