// The log as it is written. Keeps the newest lines only; the whole log can be downloaded.
import { byId, h } from "./dom.js";
import { clock } from "./format.js";
import { gettext } from "./say.js";

const MAX_LINES = 2000;
const MAX_FILTERS = 250;
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

export class LogView {
  constructor(box, filter) {
    Object.assign(this, { box, filter, waiting: [], lines: [], dropped: 0, names: new Set(), paused: false, needle: "" });
    filter.addEventListener("change", () => this.redraw());
    // The page of a project's logs has none: its servers search.
    this.search = byId("ax-log-search");
    this.search?.addEventListener("input", (event) => {
      this.needle = event.target.value.trim().toLowerCase();
      this.redraw();
    });
    byId("ax-log-wrap")?.addEventListener("click", (event) => {
      const whole = this.box.classList.toggle("ax-log-unwrapped");
      event.currentTarget.setAttribute("aria-pressed", String(!whole));
      this.toEnd();
    });
    box.addEventListener("scroll", () => this.pause(!this.atEnd()));
    // Lines that break anew move the end away, which is not the reader's wish to stay.
    new ResizeObserver(() => this.toEnd()).observe(box);
    byId("ax-log-follow").addEventListener("click", () => this.pause(!this.paused));
    byId("ax-log-copy").addEventListener("click", (event) => this.copy(event.currentTarget));
  }

  // Adding only queues: a flood of events costs one drawing per frame.
  add(event) {
    const name = event.payload.serviceName || event.payload.source || "";
    for (const text of String(event.payload.text ?? "").replace(ANSI, "").replace(/\n$/, "").split("\n")) {
      this.waiting.push({ at: event.createdAt, name, source: event.payload.source, text: text.slice(0, 4000) });
    }
    if (this.waiting.length > 2 * MAX_LINES) this.waiting.splice(0, this.waiting.length - MAX_LINES);
    this.frame ??= requestAnimationFrame(() => this.flush());
  }

  flush() {
    this.frame = null;
    const fresh = this.waiting.splice(0).slice(-MAX_LINES);
    this.lines.push(...fresh);
    this.lines.splice(0, Math.max(0, this.lines.length - MAX_LINES));
    this.learn(fresh);
    this.box.append(...fresh.filter((line) => this.wanted(line)).map(lineOf));
    while (this.box.childElementCount > MAX_LINES) this.box.firstElementChild.remove();
    if (!this.needle) byId("ax-log-empty").hidden = this.lines.length > 0;
    this.toEnd();
  }

  toEnd() {
    if (!this.paused) this.box.scrollTop = this.box.scrollHeight;
  }

  learn(lines) {
    for (const { name } of lines) {
      if (!name || this.names.has(name) || this.names.size >= MAX_FILTERS) continue;
      this.names.add(name);
      this.filter.append(h("option", { value: name }, name));
    }
  }

  wanted(line) {
    return (!this.filter.value || line.name === this.filter.value) && (!this.needle || line.text.toLowerCase().includes(this.needle));
  }

  redraw() {
    this.box.replaceChildren(...this.lines.filter((line) => this.wanted(line)).map(lineOf));
    this.sayNothing();
    this.toEnd();
  }

  sayNothing() {
    if (!this.search) return;
    const none = this.lines.length > 0 && !this.box.childElementCount;
    byId("ax-log-empty").hidden = this.lines.length > 0 && !none;
    byId("ax-log-empty").textContent = none ? gettext("No line has this.") : gettext("No output yet.");
  }

  clear() {
    this.lines = [];
    this.redraw();
  }

  atEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
  }

  pause(paused) {
    if (paused === this.paused) return;
    this.paused = paused;
    const button = byId("ax-log-follow");
    button.textContent = paused ? gettext("Follow") : gettext("Pause");
    button.setAttribute("aria-pressed", String(paused));
    this.toEnd();
  }

  async copy(button) {
    const wanted = this.lines.filter((line) => this.wanted(line));
    try {
      await navigator.clipboard.writeText(wanted.map((line) => `${new Date(line.at).toISOString()} ${line.name} | ${line.text}`).join("\n"));
      button.textContent = gettext("Copied");
    } catch {
      button.textContent = gettext("Not allowed");
    }
    setTimeout(() => (button.textContent = gettext("Copy")), 1500);
  }
}

const HUES = 6;

function hueOf(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return String(sum % HUES);
}

function lineOf(line) {
  return h("div", { class: "ax-line", dataset: { source: line.source ?? "" } },
    h("span", { class: "ax-line-at" }, clock(line.at)),
    h("span", { class: "ax-line-name", dataset: { hue: hueOf(line.name) } }, line.name),
    h("span", { class: "ax-line-text" }, line.text || " "));
}
