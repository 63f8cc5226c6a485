"""Ruby: gems by Bundler in a stage with compilers, Rails with its assets compiled."""

from __future__ import annotations

import re

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.assets import assets_of
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile
from stackgen.runtimes.versions import chosen, from_tool_files, written

DEFAULT_PORT = 3000
USUAL = (3, 4)
RELEASES = ((3, 1), (3, 2), (3, 3), (3, 4), (4, 0))
SCRIPTS = ("app.rb", "main.rb", "server.rb", "config/app.rb")
GEM = re.compile(r"^\s*gem\s+[\"']([\w-]+)[\"']", re.MULTILINE)
RUBY = re.compile(r"^\s*ruby\s+(.+)$", re.MULTILINE)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild where no start command is found."""
    gems = set(GEM.findall(facts.texts.get("Gemfile", "")))
    is_rails = "rails" in gems or {"bin/rails", "config/application.rb"} <= facts.files
    given = settings.command or from_procfile(facts.texts.get("Procfile", ""))
    command = given or _found(settings, facts, gems=gems, is_rails=is_rails)
    if not command:
        raise CannotBuild(
            field="config.command",
            message=f"is needed: Ruby was recognised, but neither Rails, config.ru, Procfile nor {', '.join(SCRIPTS)}",
        )
    asked = _asked(facts)
    release = chosen(asked, RELEASES, USUAL)
    assets, releases = assets_of(facts)
    values = {
        **assets,
        "has_gems": "Gemfile" in facts.files,
        "lock": "Gemfile.lock" if "Gemfile.lock" in facts.files else "",
        "compiles_assets": is_rails
        and bool(gems & {"sprockets-rails", "propshaft", "rails"})
        and "Rakefile" in facts.files,
        "start": exec_form(command),
    }
    return Recipe(
        template="dockerfiles/ruby.j2",
        values=values,
        probe="shell",
        warnings=() if release else (f"asks for Ruby {asked}, which is not known; built with {written(USUAL)}",),
        releases={**releases, "ruby": written(release or USUAL)},
    )


def recognises(facts: CodeFacts) -> bool:
    return bool(facts.files & {"Gemfile", "config.ru", "app.rb"})


def _found(settings: Settings, facts: CodeFacts, *, gems: set[str], is_rails: bool) -> str:
    port = settings.port or DEFAULT_PORT
    if is_rails:
        return f"bundle exec rails server -b 0.0.0.0 -p {port}"
    if "config.ru" in facts.files:
        return (
            f"bundle exec puma -b tcp://0.0.0.0:{port}"
            if "puma" in gems
            else f"bundle exec rackup -o 0.0.0.0 -p {port}"
        )
    script = next((name for name in SCRIPTS if name in facts.files), "")
    listens = f" -o 0.0.0.0 -p {port}" if "sinatra" in gems else ""
    return f"{'bundle exec ' if gems else ''}ruby {script}{listens}" if script else ""


def _asked(facts: CodeFacts) -> str:
    tools = [facts.texts.get(name, "") for name in (".tool-versions", "mise.toml", ".mise.toml")]
    named = RUBY.search(facts.texts.get("Gemfile", ""))
    quoted = (
        " ".join(re.findall(r"[\"']([^\"']*\d[^\"']*)[\"']", named[1])) if named and "file:" not in named[1] else ""
    )
    return (
        quoted or facts.texts.get(".ruby-version", "").strip().removeprefix("ruby-") or from_tool_files(tools, "ruby")
    )
