#!/bin/bash
# Starts PostgreSQL the way the official image does: the first start makes the cluster from POSTGRES_USER, _PASSWORD,
# _DB, _INITDB_ARGS and _HOST_AUTH_METHOD (each also NAME_FILE) and runs /docker-entrypoint-initdb.d.
set -euo pipefail

fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }

# setting NAME DEFAULT: gives NAME its value, from the file NAME_FILE names if that is set.
setting() {
  local name=$1 file="${1}_FILE"
  if [ -n "${!file:-}" ]; then
    [ -z "${!name:-}" ] || fail "both $name and $file are set"
    printf -v "$name" '%s' "$(<"${!file}")"
  elif [ -z "${!name:-}" ]; then
    printf -v "$name" '%s' "$2"
  fi
}

make_cluster() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    fail "Database is uninitialized and superuser password is not specified. Set POSTGRES_PASSWORD."
  fi
  # The official image splits the arguments like a shell, too.
  local -a arguments=()
  [ -z "$POSTGRES_INITDB_ARGS" ] || eval "arguments=($POSTGRES_INITDB_ARGS)"
  [ -z "$POSTGRES_PASSWORD" ] || arguments+=(--pwfile=/dev/stdin)
  printf '%s\n' "$POSTGRES_PASSWORD" | initdb --username="$POSTGRES_USER" "${arguments[@]}"
  printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
  printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
}

# sql DATABASE ARGS...: psql that stops at the first error.
sql() {
  PGPASSWORD=$POSTGRES_PASSWORD psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" \
    --dbname "$@"
}

run_init_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh)
        # shellcheck disable=SC1090
        if [ -x "$file" ]; then "$file"; else . "$file"; fi
        ;;
      *.sql) sql "$POSTGRES_DB" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | sql "$POSTGRES_DB" ;;
    esac
  done
}

# While the first start fills the database nobody can connect over the network, so no client sees half of it.
fill_cluster() {
  pg_ctl -w -o "-c listen_addresses='' -p ${PGPORT:-5432}" start
  if [ "$POSTGRES_DB" != postgres ]; then
    sql postgres --set name="$POSTGRES_DB" <<<'CREATE DATABASE :"name"'
  fi
  export POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB PGUSER="$POSTGRES_USER" PGDATABASE="$POSTGRES_DB" PGPASSWORD="$POSTGRES_PASSWORD"
  run_init_scripts
  unset PGUSER PGDATABASE PGPASSWORD
  pg_ctl -w -m fast stop
}

case "${1:-}" in -*) set -- postgres "$@" ;; esac
if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "${BASH_SOURCE[0]}" "$@"
  fi
  setting POSTGRES_PASSWORD ''
  setting POSTGRES_USER postgres
  setting POSTGRES_DB "$POSTGRES_USER"
  setting POSTGRES_INITDB_ARGS ''
  setting POSTGRES_HOST_AUTH_METHOD scram-sha-256
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    make_cluster
    fill_cluster
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
  fi
fi
exec "$@"
