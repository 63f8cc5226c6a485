// The services of a deployment, those in trouble first.
import { h } from "./dom.js";
import { moment, shortDigest } from "./format.js";
import { nothing } from "./rows.js";
import { byTrouble, pill, serviceBadge } from "./badges.js";
import { gettext, ngettext, shown } from "./say.js";

// With `seenAt`, when the deployment ended: the states are of then. How it is now stands on the project's page.
export function servicesSummary(badges, services, seenAt = 0) {
  const counts = new Map();
  for (const service of services) {
    const label = serviceBadge(badges, service).label.toLowerCase();
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const parts = [...counts].map(([label, count]) => `${count} ${label}`);
  const seen = seenAt && services.length ? [gettext("as seen when it ended, {moment}", { moment: moment(seenAt) })] : [];
  return [ngettext("{count} service", "{count} services", services.length), ...parts, ...seen].join(" · ");
}

export function serviceRows(badges, services, wanted = "") {
  if (!services.length) return [nothing(gettext("No services: this deployment runs none."))];
  const shown = services.filter((service) => service.serviceName.includes(wanted));
  return [...shown].sort(byTrouble(badges)).map((service) => row(badges, service));
}

// Whole on a click or by key, as nothing hovers on a phone.
function digest({ serviceName, imageDigest }) {
  return h("details", { class: "ax-digest" }, h("summary", { "aria-label": gettext("Digest of the image of {service}", { service: serviceName }) }, h("code", {}, shortDigest(imageDigest))), h("code", { class: "ax-break" }, imageDigest));
}

function row(badges, service) {
  const image = service.image ? service.image.split("/").pop() : "";
  return h("li", { class: "ax-service", dataset: { tone: serviceBadge(badges, service).tone } },
    h("div", { class: "ax-service-name" }, service.serviceName),
    h("div", { class: "ax-service-state" }, pill(serviceBadge(badges, service))),
    h("div", { class: "ax-service-count", title: gettext("Healthy and wanted copies") }, `${service.healthyReplicas}/${service.replicas}`),
    h("div", { class: "ax-service-image", title: service.image || null }, h("span", {}, image),
      service.imageDigest ? digest(service) : null),
    service.errorMessage ? h("div", { class: "ax-service-error" }, shown(service.errorMessage)) : null);
}
