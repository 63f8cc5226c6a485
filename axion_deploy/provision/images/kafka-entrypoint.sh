#!/usr/bin/env bash
# Starts a broker the way the official image does: KAFKA_LOG_DIRS is the setting log.dirs, and so on.
set -euo pipefail
settings=/opt/kafka/config/server.properties

while IFS='=' read -r -d '' name value; do
  case $name in
    KAFKA_OPTS | KAFKA_HEAP_OPTS) ;;
    KAFKA_*)
      name=${name#KAFKA_}
      name=${name,,}
      printf '%s=%s\n' "${name//_/.}" "$value"
      ;;
  esac
done < <(env -0) >"$settings"

run() { exec java -Xmx256m -XX:+UseSerialGC -cp '/opt/kafka/libs/*' "$@"; }
(run kafka.tools.StorageTool format --ignore-formatted -t "${CLUSTER_ID:-YXhpb24tZGVwbG95LXN0YQ}" -c "$settings")
run kafka.Kafka "$settings"
