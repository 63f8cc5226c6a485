// What an event does to a deployment. A snapshot plus the events after it equals a fresh snapshot, exactly.

export const UNFINISHED = new Set(["pending", "in_progress", "rolling_back"]);
const WORKS = new Set(["in_progress", "rolling_back"]);

// Whether it has its target for itself; what is undone by a rollback leaves that to the rollback.
export const holdsTarget = (deployment) => WORKS.has(deployment.status) && !deployment.rolledBackBy;

// What an event says only where it changed.
const given = (payload, ...names) => Object.fromEntries(names.filter((name) => name in payload).map((name) => [name, payload[name]]));

const effects = {
  "deployment.status_changed": (deployment, payload, at) => {
    const changed = { status: payload.to, ...given(payload, "deadlineAt", "rolledBackBy", "version") };
    if (payload.to === "in_progress") changed.startedAt = at;
    else if (payload.to === "rolled_back") changed.completedAt = at;
    else if (payload.to !== "rolling_back") changed.completedAt = deployment.completedAt || at;
    if (!payload.reason && !payload.message) return changed;
    const { reason, message, failedService, logTail } = payload;
    return { ...changed, reason, message, failedService, logTail };
  },
  "deployment.stage_reached": (deployment, payload) => ({
    stage: payload.stage,
    progress: Math.max(deployment.progress, payload.percent),
  }),
  "deployment.service_changed": (deployment, payload) => ({
    services: deployment.services.map((service) => (service.serviceName === payload.serviceName ? payload : service)),
  }),
  "deployment.cancel_requested": (deployment, payload, at) => ({
    cancelRequestedAt: at,
    cancelRequestedBy: payload.requestedBy,
    ...given(payload, "deadlineAt"),
  }),
  "deployment.revert_confirmed": (deployment, payload, at) => ({
    cancelConfirmedAt: deployment.cancelRequestedAt ? at : 0,
    message: payload.message,
  }),
  "deployment.command_sent": (deployment, payload) => given(payload, "services", "graphVersion", "envNames"),
  "deployment.waiting_changed": (deployment, payload) => ({ message: payload.message }),
  "deployment.job_retried": (deployment, payload) => ({ attempts: payload.attempt }),
};

// The deployment after `event`. One that it knows already changes nothing.
export function apply(deployment, event) {
  if (event.sequence <= deployment.sequence) return deployment;
  const effect = effects[event.type];
  const changed = effect ? effect(deployment, event.payload, event.createdAt) : {};
  return { ...deployment, ...changed, sequence: event.sequence };
}
