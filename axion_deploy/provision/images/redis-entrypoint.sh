#!/bin/sh
# Starts redis-server or valkey-server the way the official images do: options alone or a configuration file mean the
# server, which owns /data and runs as the user of its name.
set -eu

case "${1:-}" in
  -* | *.conf) set -- "$(command -v redis-server >/dev/null && echo redis-server || echo valkey-server)" "$@" ;;
esac
case $1 in
  redis-server | valkey-server)
    # The official build has protected mode off; Debian's has it on and would refuse every other container.
    case " $* " in
      *" --protected-mode "* | *.conf*) ;;
      *) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
      user=${1%-server}
      find . ! -user "$user" -exec chown "$user:$user" {} +
      exec setpriv --reuid="$user" --regid="$user" --init-groups "$@"
    fi
    ;;
esac
exec "$@"
