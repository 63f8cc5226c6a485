#!/bin/sh
# Runs the agent of the release that this file lies in, in the foreground. "supervise" starts `current` again whenever it
# ends, as a service manager would.
env_file=${AXION_AGENT_ENV_FILE:-/etc/axion/agent.env}
set -a
if [ -e "$env_file" ]; then . "$env_file"; fi
set +a
release=$(dirname "$(dirname "$(readlink -f "$0")")")
current=$(dirname "$(dirname "$release")")/current
export PYTHONPATH="$release/app:$release/lib" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
cd /
[ "${1:-}" = supervise ] || exec "$(cat "$release/python")" -m agents.runner "$@"
child=
trap 'kill $child 2>/dev/null; wait $child; exit 0' TERM INT
while :; do
    "$current/bin/axion-agent" &
    child=$!
    code=0
    wait $child || code=$?
    # Starting again helps with neither: a person has to read what it said.
    case $code in 2 | 3) exit $code ;; esac
    sleep "${AXION_AGENT_PAUSE:-5}" &
    child=$!
    wait $child || :
done
