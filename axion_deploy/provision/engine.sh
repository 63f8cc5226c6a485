#!/usr/bin/env bash
# A Docker engine with Compose v2 and buildx on this machine.
#
#   engine.sh [start] [STATE_FOLDER]   does nothing where an engine answers; else installs (Debian, root) and starts one
#   engine.sh stop [STATE_FOLDER]      ends the engine that `start` started with this folder, and no other
#
# Exit 3: something is missing that only the owner of the machine can provide; one sentence on stderr says what.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=axion_deploy/provision/apt.sh
. "$here/apt.sh"

START_SECONDS=60
STOP_SECONDS=45

say() { printf 'engine: %s\n' "$*" >&2; }
need() { say "$*"; exit 3; }

engine_answers() { timeout 10 docker info --format '{{.ServerVersion}}' 2>/dev/null | grep -q .; }
compose_works() { timeout 10 docker compose version >/dev/null 2>&1; }
buildx_works() { timeout 10 docker buildx version >/dev/null 2>&1; }
plugins_work() { compose_works && buildx_works; }

# The pid of the engine we started, if it still runs: the number alone could belong to another program by now.
own_pid() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "--pidfile=$pidfile" && printf '%s\n' "$pid"
}

install_plugins() {
  plugins_work && return 0
  # Debian 12 has only Compose 1; from 13 on the release itself carries both plugins.
  if [ "$(. /etc/os-release && printf '%s' "${VERSION_ID%%.*}")" = 12 ]; then
    apt_install_from trixie docker-compose docker-buildx
  else
    apt_install docker-compose docker-buildx
  fi
  plugins_work || link_plugins
}

# A docker client that is not Debian's may search other folders; the one in the user's own folder every client searches.
link_plugins() {
  local folder="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins" plugin
  mkdir -p "$folder"
  for plugin in /usr/libexec/docker/cli-plugins/docker-{compose,buildx}; do
    [ -x "$plugin" ] && ln -sf "$plugin" "$folder/"
  done
  plugins_work
}

install_engine() {
  local -a packages=()
  command -v dockerd >/dev/null || packages+=(docker.io)
  # From Debian 13 on the client is a package of its own.
  if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
  # With AppArmor in the kernel containers do not start without its parser.
  if grep -qs Y /sys/module/apparmor/parameters/enabled; then packages+=(apparmor); fi
  [ "${#packages[@]}" -eq 0 ] || apt_install "${packages[@]}"
}

# A network with small packets (VPN, nested machine) stalls downloads inside containers unless the bridge knows it.
bridge_mtu() {
  local device mtu
  device=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
  mtu=$(cat "/sys/class/net/$device/mtu" 2>/dev/null) || return 0
  if [ "$mtu" -lt 1500 ]; then printf -- '--mtu=%s\n' "$mtu"; fi
}

start_daemon() {
  local -a mtu
  mapfile -t mtu < <(bridge_mtu)
  # /var/run may hold the pidfile of an engine that was killed together with the machine.
  rm -f "$pidfile"
  setsid dockerd "--pidfile=$pidfile" "${mtu[@]}" >>"$state/dockerd.log" 2>&1 </dev/null 9>&- &
  disown
}

wait_for_engine() {
  local end=$((SECONDS + START_SECONDS))
  until engine_answers; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 5 "$state/dockerd.log" >&2 || true; say "no answer within $START_SECONDS s, see $state/dockerd.log"; exit 1; }
    sleep 0.2
  done
}

start() {
  if engine_answers && plugins_work; then return 0; fi
  [ "$(uname -s)" = Linux ] || need "no Docker engine answers: install and start Docker Desktop, then run this again."
  if [ -n "${DOCKER_HOST:-}" ] && ! engine_answers; then
    need "the Docker engine at DOCKER_HOST=$DOCKER_HOST does not answer: start it or unset DOCKER_HOST."
  fi
  if ! can_apt; then
    engine_answers && need "Docker's Compose v2 or buildx plugin is missing: install docker-compose-plugin and docker-buildx-plugin."
    need "no Docker engine answers: install Docker with the Compose plugin and start it, or join the group docker (on Debian, root may run this script instead)."
  fi
  mkdir -p "$state"
  exec 9>"$state/lock"
  flock -w 300 9 || need "another start of the engine has held $state/lock for five minutes."
  if ! engine_answers; then
    install_engine || need "Debian's package docker.io could not be installed: install it by hand."
    # With only the client missing an engine may answer by now.
    if has_systemd; then systemctl start docker; elif ! engine_answers; then start_daemon; fi
  fi
  install_plugins || need "Docker's Compose v2 and buildx plugins could not be installed from Debian: install docker-compose and docker-buildx by hand."
  wait_for_engine
}

stop() {
  local pid end=$((SECONDS + STOP_SECONDS))
  pid=$(own_pid) || { say "nothing to stop: no engine was started with $state"; return 0; }
  kill -TERM "$pid"
  while kill -0 "$pid" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || { say "process $pid did not end within $STOP_SECONDS s"; exit 1; }
    sleep 0.2
  done
  say "stopped"
}

action=${1:-start}
state=${2:-${AXION_STATE_DIR:-/var/lib/axion-deploy}/engine}
# dockerd compares nothing: a relative folder would name another file after a change of directory.
case $state in /*) ;; *) state=$PWD/$state ;; esac
pidfile=$state/dockerd.pid
case $action in
  start) start && say "ready: $(timeout 10 docker version --format '{{.Server.Version}}'), compose $(timeout 10 docker compose version --short)" ;;
  stop) stop ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
