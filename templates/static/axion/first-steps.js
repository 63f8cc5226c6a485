// What an installation still needs, in order, each with a tick once it is there; gone when all of it is.
import { byId, h, icon, show } from "./dom.js";
import { gettext } from "./say.js";

export function drawFirstSteps({ servers, projects, recent, underWay, address }) {
  const steps = [
    // Where something was deployed an agent was there: one that is silent now is no beginning.
    [servers.online > 0 || recent.length > 0, gettext("Add a server"), servers.total ? gettext("It was added; its agent is not connected yet.") : gettext("The machine that runs your applications: one line to paste there."), servers.total ? address.servers : address.addServer],
    [projects > 0, gettext("Add an application"), gettext("From an image, an example, or a file."), address.newProject],
    [recent.length > 0 || underWay > 0, gettext("Deploy it"), gettext("Review the changes, deploy, and open it."), address.projects],
  ];
  const box = byId("ax-first-steps");
  const next = steps.findIndex(([done]) => !done);
  box.hidden = next === -1;
  show(byId("ax-first-steps-list"), ...steps.map(([done, title, text, to], at) => h("li", { class: "ax-item ax-item-link" },
    icon(done ? "check_circle" : "radio_button_unchecked"),
    h("span", { class: "ax-item-main" }, h("span", { class: "ax-item-title" }, `${at + 1}. ${title}`), h("span", { class: "ax-hint" }, done ? gettext("Done") : text)),
    done ? null : h("a", { class: "ax-button", href: to, dataset: at === next ? { kind: "main" } : {}, "aria-label": title }, gettext("Go")))));
}
