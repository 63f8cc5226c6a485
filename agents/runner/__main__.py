"""The agent program: python -m agents.runner [--config FILE]."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from agents.runner.config import load_config
from agents.runner.errors import ConfigInvalidError, JournalUnusableError, StateDirBusyError, StateDirUnusableError
from agents.runner.process import run
from agents.runner.updating.handover import go_back_at_once
from agents.runner.updating.trial import be_tried


def main() -> int:
    """Return 0 after SIGTERM, 2 for a configuration or state directory that cannot be used, 3 for such a journal.

    Starting again helps with neither: a person has to do what the sentence on stderr says.
    """
    parser = argparse.ArgumentParser(prog="python -m agents.runner", description="Runs deployments on this host.")
    parser.add_argument("--config", type=Path, help="TOML file (default: /etc/axion/agent.toml)")
    parser.add_argument("--trial", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    code = _start(arguments)
    if code:
        # Handed the journal, and unable to begin.
        go_back_at_once(arguments=sys.argv[1:])
    return code


def _start(arguments: argparse.Namespace) -> int:
    try:
        config = load_config(path=arguments.config, environment=os.environ)
        logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        if arguments.trial is not None:
            return asyncio.run(be_tried(config, folder=arguments.trial))
        asyncio.run(run(config, arguments=sys.argv[1:]))
    except (ConfigInvalidError, StateDirBusyError, StateDirUnusableError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except JournalUnusableError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
