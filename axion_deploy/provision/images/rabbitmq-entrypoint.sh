#!/bin/sh
# Starts RabbitMQ as its own user, who owns the data; it reads RABBITMQ_DEFAULT_USER, _PASS and _VHOST itself.
set -eu

case $1 in
  rabbitmq*)
    if [ "$(id -u)" = 0 ]; then
      find /var/lib/rabbitmq ! -user rabbitmq -exec chown rabbitmq:rabbitmq {} +
      exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$@"
    fi
    ;;
esac
exec "$@"
