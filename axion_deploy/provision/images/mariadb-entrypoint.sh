#!/usr/bin/env bash
# Starts mariadbd the way the official images do: the first start makes the database and its user from the variables
# MARIADB_* or MYSQL_*; nobody can connect before that is done.
set -euo pipefail

# setting NAME: the value of MARIADB_NAME or MYSQL_NAME, as an SQL text without its quotes.
setting() {
  local one=MARIADB_$1 other=MYSQL_$1 value
  value=${!one:-${!other:-}}
  value=${value//\\/\\\\}
  printf '%s' "${value//\'/\\\'}"
}

# What has to be there before the first client, for a server that reads statements instead of listening.
first_statements() {
  local user database root
  user=$(setting USER) database=$(setting DATABASE) root=$(setting ROOT_PASSWORD)
  [ -n "$root" ] || { echo "a root password is needed: MARIADB_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD" >&2; return 1; }
  echo "FLUSH PRIVILEGES;"
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$root';"
  # A line is one statement to this server.
  [ "$(setting ROOT_HOST)" = localhost ] || echo "CREATE USER 'root'@'%' IDENTIFIED BY '$root';"
  [ "$(setting ROOT_HOST)" = localhost ] || echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
  [ -z "$database" ] || echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
  [ -z "$user" ] || echo "CREATE USER '$user'@'%' IDENTIFIED BY '$(setting PASSWORD)';"
  [ -z "$user" ] || [ -z "$database" ] || echo "GRANT ALL ON \`${database//_/\\_}\`.* TO '$user'@'%';"
}

case "${1:-}" in -*) set -- mariadbd "$@" ;; mysqld) shift && set -- mariadbd "$@" ;; esac
if [ "$1" = mariadbd ]; then
  if [ "$(id -u)" = 0 ]; then
    find /var/lib/mysql /run/mysqld ! -user mysql -exec chown mysql:mysql {} +
    exec setpriv --reuid=mysql --regid=mysql --init-groups "${BASH_SOURCE[0]}" "$@"
  fi
  if [ ! -d /var/lib/mysql/mysql ]; then
    statements=$(first_statements)
    mariadb-install-db --skip-test-db --auth-root-authentication-method=normal >/dev/null
    mariadbd --bootstrap <<<"$statements"
  fi
  set -- "$@" --bind-address=0.0.0.0
fi
exec "$@"
