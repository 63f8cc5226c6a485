"""python -m axion_deploy.demo: see --help."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, nullcontext
from dataclasses import asdict

from axion_deploy.demo import signals
from axion_deploy.demo.cluster.run import ClusterDemo
from axion_deploy.demo.errors import DemoError, Interrupted, MissingPiece
from axion_deploy.demo.options import Options, read_options
from axion_deploy.demo.run import Demo
from axion_deploy.demo.state import State
from axion_deploy.demo.terminal import Screen
from axion_deploy.embedded.errors import EmbeddedError

FAILED, MISSING, INTERRUPTED = 1, 3, 130


def main() -> int:
    options = read_options(sys.argv[1:])
    screen = Screen()
    signals.listen()
    # Servers that exist only while the demo runs leave nothing that a later run could go on with.
    state = State(root=options.folder, fresh=options.once or options.cluster)
    try:
        with state.locked():
            return _run(options=options, screen=screen, state=state)
    except DemoError as error:
        screen.problem(str(error))
        return FAILED


def _run(*, options: Options, screen: Screen, state: State) -> int:
    """Return the exit code, after everything that was started is stopped and removed."""
    cleanup = ExitStack()
    kind = ClusterDemo if options.cluster else Demo
    demo = kind(options=options, screen=screen, state=state, cleanup=cleanup)
    code = _code_of(demo)
    signals.be_deaf()
    try:
        with screen.step("Stopping what was started") if demo.has_servers else nullcontext():
            cleanup.close()
    except (DemoError, EmbeddedError, OSError) as error:
        screen.problem(str(error))
        code = code or FAILED
    if options.once and demo.outcome.deployment:
        print(json.dumps(asdict(demo.outcome)), flush=True)
    return code


def _code_of(demo: Demo) -> int:
    try:
        demo.run()
    except Interrupted as interrupted:
        demo.screen.say(f"  {interrupted}")
        return INTERRUPTED if demo.options.once or not demo.outcome.vote_counted else 0
    except MissingPiece as missing:
        demo.screen.problem(str(missing))
        return MISSING
    except (DemoError, EmbeddedError, OSError) as error:
        demo.screen.problem(str(error))
        demo.screen.say(f"  Logs: {demo.state.logs}")
        return FAILED
    except Exception:
        # A mistake of our own must not keep us from cleaning up.
        demo.screen.console.print_exception()
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
