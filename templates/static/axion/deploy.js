// Deploying from the project's page: first what will happen, then just that. Values of variables never leave the form.
import { byId, h, put } from "./dom.js";
import { gettext } from "./say.js";

const PATIENCE = 90000;
const LOST = gettext("No response from the server. Try again; nothing will be deployed twice.");

const TRIES = 3;
const PAUSE = 400;

// A line that breaks for a moment costs nothing: looking changes nothing, and a request has an id of its own.
async function post(address, body, signal, left = TRIES) {
  try {
    return await fetch(address, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual", signal });
  } catch (error) {
    if (signal.aborted || left === 1) throw error;
    await new Promise((resume) => setTimeout(resume, PAUSE * (0.5 + Math.random())));
    return post(address, body, signal, left - 1);
  }
}

export class DeployForm {
  constructor(form, { plan, deploy }) {
    Object.assign(this, { form, plan, deploy, dialog: byId("ax-plan-dialog"), box: byId("ax-plan"), button: byId("ax-deploy-button") });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (event.submitter === this.button) this.send(this.deploy, gettext("Requesting the deployment…"));
      else this.look();
    });
    // Before this script is there the form would deploy what nobody has reviewed.
    byId("ax-plan-button").disabled = !("ready" in byId("ax-plan-button").dataset);
    byId("ax-plan-back").addEventListener("click", () => this.dialog.close());
    // An answer that comes after the dialog was left belongs to nobody.
    this.dialog.addEventListener("close", () => this.running?.abort());
  }

  look() {
    this.form.elements.approval.value = "";
    this.dialog.showModal();
    byId("ax-plan-title").focus();
    this.send(this.plan, gettext("Preparing the plan…"));
  }

  async send(address, waiting) {
    const data = new FormData(this.form);
    const running = (this.running = new AbortController());
    const timer = setTimeout(() => running.abort("late"), PATIENCE);
    this.button.disabled = true;
    this.box.setAttribute("aria-busy", "true");
    if (address === this.plan) this.box.replaceChildren(h("p", { class: "ax-hint" }, waiting));
    try {
      const answer = await post(address, data, running.signal);
      if (answer.type === "opaqueredirect") location.reload();
      else this.show(await answer.json());
    } catch {
      if (this.dialog.open) this.failed(address);
    } finally {
      clearTimeout(timer);
      this.box.removeAttribute("aria-busy");
    }
  }

  show({ address, html, approval, requestId }) {
    if (address) return location.assign(address);
    put(this.box, html);
    this.form.elements.approval.value = approval;
    if (requestId) this.form.elements.requestId.value = requestId;
    this.button.disabled = !approval;
    this.box.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
  }

  failed(address) {
    this.box.prepend(h("p", { class: "ax-trouble", dataset: { tone: "bad" }, role: "alert" }, LOST));
    this.button.disabled = address === this.plan;
  }
}
