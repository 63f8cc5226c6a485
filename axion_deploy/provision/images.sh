#!/usr/bin/env bash
# The base images that generated stacks build on and run.
#
#   images.sh [NAME...]    makes each image available; without names the five the sample project needs
#
# Present: nothing to do. Else pulled. Where no registry answers, a stand-in is built from Debian's packages and tagged
# with the same name and the label axion.standin: good for tests and demos, not the official image.
# Exit 3: something is missing that only the owner of the machine can provide; one sentence on stderr says what.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=axion_deploy/provision/apt.sh
. "$here/apt.sh"

DEFAULT_NAMES=(python:3.13-slim node:24-slim postgres:17 redis:8 caddy:2)
PULL_SECONDS=${AXION_PULL_SECONDS:-180}
BUILD_SECONDS=600
# Debian's release that carries Python 3.13, PostgreSQL 17 and Redis 8, as the official images do.
RELEASE=trixie
BASE=axion-standin/debian:$RELEASE

say() { printf 'images: %s\n' "$*" >&2; }

# A stand-in of Caddy from before it was taken from a wheel is as good as none.
present() {
  local label
  label=$(docker image inspect --format '{{ index .Config.Labels "axion.standin" }}' "$1" 2>/dev/null) || return 1
  [ "$label" != true ] || [ "$(target_of "$1")" != caddy ]
}

# pull NAME: says why when it fails.
pull() {
  local output
  output=$(timeout "$PULL_SECONDS" docker pull --quiet "$1" 2>&1) && { say "$1: pulled"; return 0; }
  say "$1: cannot be pulled: $(tail -n 1 <<<"${output:-no answer within $PULL_SECONDS s}")"
  return 1
}

# The stand-in's build target for an image name: the stage of that name, wherever the image comes from and whatever its
# tag. Stages whose name ends in -stage are parts of others.
target_of() {
  local name=${1##*/}
  name=${name%%[:@]*}
  case $name in *-stage) return 1 ;; esac
  awk -v name="$name" '$1 == "FROM" && $3 == "AS" && $4 == name { found = 1 } END { exit !found }' "$here/images/Dockerfile" \
    || return 1
  printf '%s\n' "$name"
}

# The certificates this machine trusts; behind a proxy of its own a build needs them to reach its package registries.
ca_bundle() {
  local file
  for file in "${PIP_CERT:-}" "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
    if [ -s "$file" ]; then printf '%s\n' "$file"; return; fi
  done
  printf '/dev/null\n'
}

build_base() {
  present "$BASE" && return 0
  local folder status=0
  folder=$(mktemp -d)
  apt_source_of "$RELEASE" >"$folder/base.sources" || status=$?
  if [ "$status" = 0 ]; then
    timeout "$BUILD_SECONDS" mmdebstrap --quiet --variant=minbase --dpkgopt="$here/images/dpkg-slim" \
      --aptopt='Acquire::Languages "none"' "$RELEASE" - "$folder/base.sources" \
      | docker import --change 'CMD ["bash"]' --change 'LABEL axion.standin=true' - "$BASE" >/dev/null || status=$?
  fi
  rm -rf "$folder"
  return "$status"
}

# build NAME: tags a stand-in with NAME.
build() {
  local output
  if output=$(timeout "$BUILD_SECONDS" docker buildx build --progress=plain --load --target "$(target_of "$1")" \
    --secret "id=ca_bundle,src=$(ca_bundle)" --build-arg "BASE=$BASE" --tag "$1" "$here/images" 2>&1); then
    say "$1: STAND-IN built from Debian $RELEASE (not the official image)"
  else
    tail -n 20 <<<"$output" >&2
    say "$1: the stand-in could not be built, see above"
    return 1
  fi
}

# together COMMAND NAME...: runs COMMAND for each name at the same time; prints the names for which it failed.
together() {
  local command=$1 name
  shift
  for name; do
    { "$command" "$name" || printf '%s\n' "$name"; } &
  done
  wait
}

stand_in() {
  local name
  for name; do
    target_of "$name" >/dev/null || { say "$name: cannot be pulled and has no stand-in; load it with \`docker load\`."; exit 3; }
  done
  if ! command -v mmdebstrap >/dev/null; then
    can_apt || { say "the image registry does not answer, and stand-ins can only be built on Debian as root; load the images with \`docker load\`."; exit 3; }
    apt_install mmdebstrap
  fi
  build_base || { say "Debian $RELEASE could not be installed for the stand-ins"; exit 1; }
  local failed
  failed=$(together build "$@")
  [ -z "$failed" ] || exit 1
}

[ "$#" -gt 0 ] || set -- "${DEFAULT_NAMES[@]}"
missing=()
for name; do present "$name" || missing+=("$name"); done
[ "${#missing[@]}" -gt 0 ] || exit 0
timeout 10 docker info >/dev/null 2>&1 || { say "no Docker engine answers: run engine.sh first."; exit 3; }
unreachable=()
while read -r name; do unreachable+=("$name"); done < <(together pull "${missing[@]}")
[ "${#unreachable[@]}" -eq 0 ] || stand_in "${unreachable[@]}"
