// Deploying from the project's page: first what will happen, then just that. Values of variables never leave the form.
import { byId, h, put } from "./dom.js";
import { gettext } from "./say.js";

const PATIENCE = 90000;
const FAILED = gettext("The server failed to answer this. Try again; nothing will be deployed twice. The log of the web process has the details.");
const LOST = gettext("No response from the server. Try again; nothing will be deployed twice.");

const SIGNED_OUT = gettext("You are signed out. Sign in in another tab, then review the changes again here: what you typed is still in the form.");
// What stands before the page's own views answers in words of its own.
const REFUSED = {
  403: gettext("You signed in or out since this page was opened. Reload the page, then review the changes again."),
  413: gettext("What you typed is too large. Make the values of variables smaller."),
  503: gettext("The database is unavailable. Nothing was deployed. Try again in a moment."),
};

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

// Signing in again, in whichever tab, gives the browser another token than the one that this page was made with.
function withFreshToken(data) {
  const tokens = [...document.cookie.matchAll(/(?:^|; )[^=;]*-csrf=([^;]+)/g)];
  // Two installations under one host name: whose is whose only the page's own form knows.
  if (tokens.length === 1) data.set("csrfmiddlewaretoken", tokens[0][1]);
  return data;
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
    const data = withFreshToken(new FormData(this.form));
    const running = (this.running = new AbortController());
    const timer = setTimeout(() => running.abort("late"), PATIENCE);
    this.button.disabled = true;
    this.box.setAttribute("aria-busy", "true");
    if (address === this.plan) this.box.replaceChildren(h("p", { class: "ax-hint" }, waiting));
    try {
      const answer = await post(address, data, running.signal);
      const ours = answer.headers.get("content-type")?.startsWith("application/json");
      if (answer.type === "opaqueredirect") this.failed(address, SIGNED_OUT);
      else if (ours) this.show(await answer.json());
      else this.failed(address, REFUSED[answer.status] ?? FAILED);
    } catch {
      if (this.dialog.open) this.failed(address, LOST);
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

  failed(address, said) {
    // What was waited for does not come any more.
    if (address === this.plan) this.box.replaceChildren();
    this.box.prepend(h("p", { class: "ax-trouble", dataset: { tone: "bad" }, role: "alert" }, said));
    this.button.disabled = address === this.plan;
  }
}
