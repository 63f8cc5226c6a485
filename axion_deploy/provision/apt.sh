# shellcheck shell=bash
# Sourced by the provisioning scripts: Debian packages, installed only when missing. Needs bash with `set -u`.

# macOS has no such command; there the programs' own limits must do.
command -v timeout >/dev/null || timeout() { shift; "$@"; }

# Succeeds where `apt_install` can work: Debian, as root.
can_apt() { [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null; }

has_systemd() { [ -d /run/systemd/system ]; }

# apt_get ARGS...: never asks, waits at most two minutes for another apt, gives up on a dead mirror, speaks when it fails.
# Without systemd RUNLEVEL=1 keeps packages from starting services of their own.
apt_get() {
  local output
  local -x DEBIAN_FRONTEND=noninteractive
  has_systemd || local -x RUNLEVEL=1
  output=$(timeout 600 apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 \
    -o Dpkg::Use-Pty=0 "$@" </dev/null 2>&1) && return 0
  tail -n 20 <<<"$output" >&2
  return 1
}

# Prints those of the packages NAME... that are not installed.
missing_packages() {
  local name
  for name; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s\n' "$name"
  done
}

# apt_install NAME...: installs what is missing; a stale package index is refreshed once.
apt_install() {
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "installing Debian packages: ${missing[*]}" >&2
  apt_get install -y --no-install-recommends "${missing[@]}" 2>/dev/null && return 0
  apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"
}

# apt_source_of SUITE: the machine's own source of this Debian release, with the suite changed, in deb822 form.
apt_source_of() {
  local codename
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  [ -n "$codename" ] || return 1
  local found
  found=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v RS= -v code="$codename" -v suite="$1" '
    $0 ~ "(^|\n)Suites:[^\n]*[ \t]" code "([ \t\n]|$)" {
      sub(/Suites:[^\n]*/, "Suites: " suite); print; exit }')
  if [ -z "$found" ]; then
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v code="$codename" -v suite="$1" '
      $1 == "deb" { for (i = 2; i < NF; i++) if ($i == code) {
        print "Types: deb\nURIs: " $(i - 1) "\nSuites: " suite "\nComponents: main"; exit } }')
  fi
  [ -n "$found" ] && printf '%s\n' "$found"
}

# apt_install_from SUITE NAME...: takes only these packages from another release. The source lives in a folder that is
# removed afterwards and is pinned at 50, so nothing else comes from there, now or at the next upgrade.
apt_install_from() {
  local suite=$1 folder status=0
  shift
  [ -n "$(missing_packages "$@")" ] || return 0
  folder=$(mktemp -d) || return 1
  mkdir -p "$folder/parts" "$folder/lists/partial"
  cp -R /etc/apt/sources.list.d/. "$folder/parts/"
  apt_source_of "$suite" >"$folder/parts/axion-$suite.sources" || { rm -rf "$folder"; return 1; }
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n' "$suite" >"$folder/preferences"
  # apt drops to its own user to download.
  chmod -R a+rX "$folder"
  local -a options=(-o "Dir::Etc::sourceparts=$folder/parts" -o "Dir::State::lists=$folder/lists"
    -o "Dir::Etc::preferences=$folder/preferences")
  echo "installing from Debian $suite: $*" >&2
  apt_get "${options[@]}" update && apt_get "${options[@]}" install -y --no-install-recommends "${@/%//$suite}" || status=1
  rm -rf "$folder"
  return "$status"
}
