#!/bin/sh
# Installs the agent of Axion Deploy on this host, or removes it. Running it again does no harm.
#
#   curl -fsSL https://CONTROL-PLANE/agents/install.sh | sh -s -- TOKEN [--with-docker] [--container]
#   curl -fsSL https://CONTROL-PLANE/agents/install.sh | sh -s -- --uninstall
#
# --with-docker   install Docker and Compose from the system's own packages where they are missing (Debian, Ubuntu)
# --container     run the agent as a container, although this host's Python would do
# --uninstall     remove the agent and all that it keeps here; containers and volumes of deployed stacks stay
set -eu
umask 077
# @SETTINGS@

HOME_DIR=/opt/axion-agent
STATE_DIR=/var/lib/axion-agent
CONFIG_DIR=/etc/axion
ENV_FILE=$CONFIG_DIR/agent.env
UNIT=/etc/systemd/system/axion-agent.service
RUN_DIR=/run/axion-agent
CONTAINER=axion-agent
NEEDED_KB=${AXION_NEEDED_KB:-512000}
MAX_CLOCK_SECONDS=300
# The oldest that Compose 2 speaks with.
MIN_ENGINE=20.10
ENROL_SECONDS=60
WITH_DOCKER=${AXION_WITH_DOCKER:-}
CONTAINER_MODE=${AXION_CONTAINER:-}
TOKEN=
STEP=
RELEASE=

say() { printf '%s\n' "$*"; }
# Whoever reads the last line of the output knows what to do.
fail() { printf '%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
has_systemd() { [ -d /run/systemd/system ] && have systemctl; }

python() {
    for candidate in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$candidate" && "$candidate" -c 'import sys, ssl, sqlite3; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

as_container() { [ -n "$CONTAINER_MODE" ] || ! python >/dev/null; }

# Where this agent lies, for this Python: packages of another one would not do.
choose_release() {
    if as_container; then kind=image; else kind=$("$(python)" -c 'import sys; print("py3%d" % sys.version_info[1])'); fi
    RELEASE=$HOME_DIR/releases/$(printf %.16s "$DIGEST")-$kind
}

os_name() { (. /etc/os-release 2>/dev/null && printf %s "${PRETTY_NAME:-Linux}") || printf Linux; }
is_debian() { have apt-get && [ -e /etc/debian_version ]; }

step_root() {
    [ "$(id -u)" = 0 ] || fail "This needs root: run it as root, or put sudo in front of sh."
    say "Running as root."
}

step_system() {
    [ "$(uname -s)" = Linux ] || fail "This is $(uname -s); the agent runs on Linux."
    case $(uname -m) in
        x86_64 | amd64 | aarch64 | arm64) ;;
        *) fail "The processor is $(uname -m); the agent runs on x86_64 and arm64." ;;
    esac
    if found=$(python); then
        say "$(os_name), $(uname -m), $("$found" --version 2>&1)."
    else
        say "$(os_name), $(uname -m), without Python 3.11 or newer: the agent will run as a container."
    fi
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >&2
}

install_docker() {
    is_debian || fail "Docker is missing, and is installed by itself on Debian and Ubuntu alone. Install Docker Engine with Compose, then try again."
    apt-get -o DPkg::Lock::Timeout=300 update >&2 || fail "apt-get update failed: see the lines above."
    have docker || apt_install docker.io || fail "apt-get could not install docker.io: see the lines above."
    have docker || apt_install docker-cli || fail "apt-get could not install docker-cli: see the lines above."
    # Ubuntu calls Compose 2 docker-compose-v2, Docker's own packages docker-compose-plugin, Debian 13 docker-compose.
    for package in docker-compose-v2 docker-compose-plugin docker-compose; do
        docker compose version >/dev/null 2>&1 || apt_install "$package" || :
    done
    docker buildx version >/dev/null 2>&1 || apt_install docker-buildx || apt_install docker-buildx-plugin || :
    if has_systemd; then systemctl enable --now docker >&2 || :; fi
}

step_docker() {
    if [ -n "$WITH_DOCKER" ] && ! { have docker && docker compose version >/dev/null 2>&1; }; then install_docker; fi
    have docker || fail "Docker is missing. Install Docker Engine with Compose, or allow the installation to do that."
    engine=$(timeout 30 docker version --format '{{.Server.Version}}' 2>/dev/null) ||
        fail "Docker is installed, but its engine does not answer. Start it (systemctl start docker), then try again."
    at_least "$engine" "$MIN_ENGINE" ||
        fail "Docker $engine is too old: the agent needs Docker Engine $MIN_ENGINE or newer. Update Docker, then try again."
    compose=$(docker compose version --short 2>/dev/null) ||
        fail "Docker has no Compose 2. Install it (docker-compose-v2, docker-compose-plugin, or docker-compose from Debian 13 on), then try again."
    builds=
    docker buildx version >/dev/null 2>&1 || builds=" Buildx is missing: projects whose code has to be built cannot be deployed here."
    say "Docker $engine with Compose $compose.$builds"
}

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

free_kb() {
    folder=$1
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    df -Pk "$folder" | awk 'NR == 2 { print $4 }'
}

step_disk() {
    least=
    for folder in "$HOME_DIR" "$STATE_DIR"; do
        free=$(free_kb "$folder")
        [ "$free" -ge "$NEEDED_KB" ] || fail "The disk below $folder has $((free / 1024)) MiB left; the agent needs $((NEEDED_KB / 1024)) MiB."
        if [ -z "$least" ] || [ "$free" -lt "$least" ]; then least=$free; fi
    done
    say "$((least / 1024)) MiB free."
}

step_clock() {
    off=$(($(date +%s) - ${AXION_NOW:-$NOW}))
    size=${off#-}
    [ "$size" -le "$MAX_CLOCK_SECONDS" ] ||
        fail "The clock of this host is off by $size seconds, so certificates would not hold. Set it (timedatectl set-ntp true), then try again."
    say "The clock is right to $MAX_CLOCK_SECONDS seconds."
}

can_reach() {
    host=${1%:*} port=${1##*:}
    host=$(printf %s "$host" | tr -d '[]')
    if found=$(python); then
        "$found" -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 10).close()' "$host" "$port" 2>/dev/null
    else
        timeout 10 bash -c ': <"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null
    fi
}

step_gateway() {
    if ! python >/dev/null && ! have bash; then
        say "Whether the gateway can be reached is unknown: this host has neither Python nor bash to try it."
        return 0
    fi
    # Agents enrol at the first port, and speak with their certificate at the second one.
    for address in "${GATEWAY_URL#*://}" $MUTUAL_ADDRESS; do
        can_reach "$address" ||
            fail "The gateway of the control plane, ${address%:*} port ${address##*:}, cannot be reached from this host. Open the way (firewall, name, AXION_GATEWAY_BIND, AXION_GATEWAY_MUTUAL_BIND), then try again."
    done
    say "The gateway, ${GATEWAY_URL#*://}, can be reached."
}

fetch() {
    if have curl; then curl -fsSL --retry 3 --max-time 300 -o "$2" "$1"; else wget -q -T 300 -O "$2" "$1"; fi
}

# Leaves the archive at $1, checked.
provide_artifact() {
    if [ -n "$BASE_URL" ]; then
        fetch "$BASE_URL/agents/runner/$ARTIFACT" "$1" || fail "$BASE_URL/agents/runner/$ARTIFACT could not be fetched."
    else
        cp "$AXION_FILES/$ARTIFACT" "$1"
    fi
    [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$DIGEST" ] ||
        fail "What was fetched is not the agent that this script belongs to (its SHA-256 is another). Fetch the script again."
}

# Prints the folder of the packages that the control plane carries for this Python; nothing where it has none.
wheels() {
    if [ -z "$BASE_URL" ]; then
        source=$AXION_FILES/wheels
    else
        source=$1/wheels minor=$("$2" -c 'import sys; print(sys.version_info[1])')
        mkdir -p "$source"
        fetch "$BASE_URL/agents/wheels/?python=$minor&machine=$(uname -m)" "$1/index" || return 0
        for name in $(grep -o '[A-Za-z0-9_.+!-]*\.whl"' "$1/index" | tr -d '"'); do
            fetch "$BASE_URL/agents/wheels/$name" "$source/$name" || return 0
        done
    fi
    for file in "$source"/*.whl; do if [ -e "$file" ]; then printf %s "$source"; return 0; fi; done
}

# Prints how pip is called: this host's, or the control plane's.
pip_of() {
    if "$1" -m pip --version >/dev/null 2>&1; then printf %s "-m pip"; return 0; fi
    for file in "$2"/pip-*.whl; do if [ -e "$file" ]; then printf %s "$file/pip"; return 0; fi; done
    return 1
}

install_packages() {
    folder=$1 found=$(python)
    source=$(wheels "$folder" "$found") || source=
    if ! pip=$(pip_of "$found" "$source"); then
        if [ -z "$WITH_DOCKER" ] || ! is_debian; then fail "This host's Python has no pip. Install it (apt-get install python3-pip), then try again."; fi
        apt_install python3-pip || fail "apt-get could not install python3-pip: see the lines above."
        pip="-m pip"
    fi
    set -- install --quiet --disable-pip-version-check --no-input --no-cache-dir --root-user-action ignore --only-binary :all: --require-hashes -r "$folder/requirements-runner.lock" --target "$folder/lib"
    # shellcheck disable=SC2086  # two words where it is a module
    if [ -n "$source" ] && "$found" $pip "$@" --no-index --find-links "$source" 2>"$folder/pip.log"; then
        rm -rf "$folder/wheels" "$folder/index" "$folder/pip.log"
        return 0
    fi
    rm -rf "$folder/lib"
    # shellcheck disable=SC2086
    "$found" $pip "$@" >&2 || fail "pip could not install what the agent needs: see the lines above. The control plane can carry the packages along: manage.py agents wheels."
}

step_runner() {
    mkdir -p "$HOME_DIR/releases"
    chmod 755 "$HOME_DIR" "$HOME_DIR/releases"
    if [ ! -e "$RELEASE/.complete" ]; then
        rm -rf "$RELEASE" "$HOME_DIR"/releases/.new.*
        new=$(mktemp -d "$HOME_DIR/releases/.new.XXXXXX")
        provide_artifact "$new/agent.tar.gz"
        tar -xzf "$new/agent.tar.gz" -C "$new" || fail "The agent could not be unpacked below $HOME_DIR: is the disk full?"
        rm "$new/agent.tar.gz"
        if as_container; then
            docker build --quiet -t "axion-agent:$(basename "$RELEASE")" "$new" >&2 || fail "The agent's image could not be built: see the lines above."
        else
            install_packages "$new"
            python >"$new/python"
            chmod 755 "$new/bin/axion-agent"
        fi
        : >"$new/.complete"
        sync "$new/.complete" 2>/dev/null || :
        mv "$new" "$RELEASE"
    fi
    ln -sfn "$RELEASE" "$HOME_DIR/.current"
    mv -T "$HOME_DIR/.current" "$HOME_DIR/current"
    for old in "$HOME_DIR"/releases/*; do if [ "$old" != "$RELEASE" ]; then rm -rf "$old"; fi; done
    say "Agent $VERSION ($(basename "$RELEASE"))."
}

write_settings() {
    mkdir -p "$CONFIG_DIR" "$STATE_DIR"
    chmod 700 "$STATE_DIR"
    [ -n "$TOKEN" ] || TOKEN=$(sed -n 's/^AXION_AGENT__AGENT__TOKEN=//p' "$ENV_FILE" 2>/dev/null || :)
    {
        say "AXION_AGENT__AGENT__TOKEN=$TOKEN"
        # A token that names this very address says all of it.
        case $TOKEN in *".${GATEWAY_URL#*://}") ;; *) say "AXION_AGENT__CONTROL_PLANE__GRPC_URL=$GATEWAY_URL" ;; esac
        if [ "$INSECURE" = true ]; then say "AXION_AGENT__CONTROL_PLANE__INSECURE=true"; fi
    } >"$ENV_FILE.new"
    mv "$ENV_FILE.new" "$ENV_FILE"
}

write_unit() {
    cat >"$UNIT" <<UNIT_FILE
[Unit]
Description=Agent of Axion Deploy
After=network-online.target docker.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
EnvironmentFile=$ENV_FILE
ExecStart=$HOME_DIR/current/bin/axion-agent
Restart=always
RestartSec=5
RestartPreventExitStatus=2 3
TimeoutStopSec=60
StateDirectory=axion-agent
StateDirectoryMode=0700
NoNewPrivileges=yes
ProtectSystem=strict
# So that the agent can put a new version of itself there.
ReadWritePaths=$HOME_DIR
ProtectHome=yes
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH

[Install]
WantedBy=multi-user.target
UNIT_FILE
    chmod 644 "$UNIT"
}

# Ends what an earlier run without systemd started: the process group whose leader wrote the file.
stop_supervised() {
    [ -e "$RUN_DIR/pid" ] || return 0
    pid=$(cat "$RUN_DIR/pid")
    if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$HOME_DIR/.*axion-agent supervise"; then
        kill -TERM "$pid" 2>/dev/null || :
        waited=0
        while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 60 ]; do sleep 1; waited=$((waited + 1)); done
        kill -KILL -- "-$pid" 2>/dev/null || :
    fi
    rm -f "$RUN_DIR/pid"
}

start_supervised() {
    stop_supervised
    mkdir -p "$RUN_DIR"
    setsid sh -c 'echo $$ >"$1/pid"; exec "$2/current/bin/axion-agent" supervise' sh "$RUN_DIR" "$HOME_DIR" </dev/null >>"$STATE_DIR/agent.log" 2>&1 9>&- &
    say "No systemd here: the agent runs now and is started again when it ends, but nothing starts it after a reboot. Have your init run: $HOME_DIR/current/bin/axion-agent supervise"
}

# Also those of an update that was on its way.
remove_containers() {
    for name in "$CONTAINER-next" "$CONTAINER-trial" "$CONTAINER"; do docker rm -f "$name" >/dev/null 2>&1 || :; done
}

start_container() {
    remove_containers
    # The build lets it become another version by itself later.
    docker run -d --name "$CONTAINER" --restart unless-stopped --network host --env-file "$ENV_FILE" \
        -e "AXION_AGENT_BUILD=$(printf %.16s "$DIGEST")" \
        -v /var/run/docker.sock:/var/run/docker.sock -v "$STATE_DIR:$STATE_DIR" -v "$CONFIG_DIR:$CONFIG_DIR:ro" \
        "axion-agent:$(basename "$RELEASE")" >&2 || fail "The agent's container could not be started: see the lines above."
    say "The agent runs as the container $CONTAINER, which Docker starts after a reboot, too."
}

step_unit() {
    write_settings
    if as_container; then
        start_container
    elif has_systemd; then
        write_unit
        systemctl daemon-reload
        systemctl enable axion-agent >&2
        systemctl restart axion-agent || fail "systemd could not start the agent: see journalctl -u axion-agent."
        say "The agent runs as the systemd unit axion-agent."
    else
        start_supervised
    fi
}

step_agent_id() { sed -n 's/.*"agent_id": "\([0-9a-f-]*\)".*/\1/p' "$STATE_DIR/credential.json" 2>/dev/null || :; }

# What the agent says of itself when it does not come: the end of its output.
step_output() {
    if has_systemd && [ -e "$UNIT" ]; then journalctl -u axion-agent -n 5 --no-pager -o cat 2>/dev/null || :
    elif have docker && docker inspect "$CONTAINER" >/dev/null 2>&1; then docker logs --tail 5 "$CONTAINER" 2>&1 || :
    else tail -n 5 "$STATE_DIR/agent.log" 2>/dev/null || :; fi
}

wait_enrolled() {
    waited=0
    while [ -z "$(step_agent_id)" ]; do
        [ "$waited" -lt "$ENROL_SECONDS" ] || { step_output >&2; fail "The agent was started and has not enrolled within $ENROL_SECONDS seconds: its last lines are above."; }
        sleep 1
        waited=$((waited + 1))
    done
    say "The agent is enrolled as $(step_agent_id)."
}

# Files of releases that containers of stacks have mounted: a restart of one needs them.
mounted_files() {
    have docker || return 0
    ids=$(docker ps -aq --filter label=axion.project 2>/dev/null) || return 0
    [ -n "$ids" ] || return 0
    # shellcheck disable=SC2086  # ids are words
    docker inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' $ids | grep "^$STATE_DIR/" || :
}

remove_state() {
    [ -d "$STATE_DIR" ] || return 0
    kept=$(mounted_files | sort -u)
    if [ -z "$kept" ]; then rm -rf "$STATE_DIR"; return 0; fi
    find "$STATE_DIR" ! -type d | while IFS= read -r file; do
        keep=
        while IFS= read -r one; do case $file in "$one" | "$one"/*) keep=1 ;; esac; done <<KEPT
$kept
KEPT
        [ -n "$keep" ] || rm -f "$file"
    done
    find "$STATE_DIR" -depth -type d -empty -delete
    if [ -d "$STATE_DIR" ]; then say "Kept below $STATE_DIR: files that containers of deployed stacks have mounted."; fi
}

uninstall() {
    if has_systemd && [ -e "$UNIT" ]; then systemctl disable --now axion-agent >&2 || :; fi
    if [ -e "$UNIT" ]; then rm -f "$UNIT"; if has_systemd; then systemctl daemon-reload; fi; fi
    stop_supervised
    if have docker; then
        remove_containers
        for image in $(docker images -q axion-agent 2>/dev/null || :); do docker rmi -f "$image" >/dev/null 2>&1 || :; done
    fi
    remove_state
    rm -rf "$HOME_DIR" "$RUN_DIR"
    rm -f "$ENV_FILE" "$ENV_FILE.new"
    rmdir "$CONFIG_DIR" 2>/dev/null || :
    say "The agent is removed. Containers and volumes of deployed stacks were left as they are."
}

lock() {
    # One at a time, also where an earlier one lost its line and works on.
    mkdir -p /run/lock
    exec 9>/run/lock/axion-agent-install
    if have flock; then flock -w 600 9 || fail "Another installation works on this host and has not ended within ten minutes."; fi
}

install() {
    for step in system docker disk clock gateway runner unit; do
        printf '%s: ' "$step"
        "step_$step"
    done
    wait_enrolled
}

main() {
    uninstalls=
    while [ $# -gt 0 ]; do
        case $1 in
            --with-docker) WITH_DOCKER=1 ;;
            --container) CONTAINER_MODE=1 ;;
            --uninstall) uninstalls=1 ;;
            --step) STEP=$2; shift ;;
            -*) fail "Unknown option $1." ;;
            *) TOKEN=$1 ;;
        esac
        shift
    done
    case $STEP in system | docker | disk | clock | gateway | agent_id | output) "step_$STEP"; exit ;; esac
    step_root >/dev/null
    lock
    choose_release
    if [ -n "$uninstalls" ]; then uninstall; exit; fi
    # Over standard input, because everybody on the host may read the arguments of processes.
    case $STEP in
        unit) IFS= read -r TOKEN || :; step_unit; exit ;;
        runner) step_runner; exit ;;
        '') ;;
        *) fail "Unknown step $STEP." ;;
    esac
    [ -n "$TOKEN" ] || fail "The enrolment token is missing: the server's page in Axion Deploy shows the whole line."
    install
}

main "$@"
