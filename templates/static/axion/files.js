// The generated files in tabs, read once they exist. Colours by the simplest rules that help reading.
import { byId, h } from "./dom.js";

const RULES = {
  yml: [[/^(\s*#.*)$/, "note"], [/^(\s*(?:- )?)("?[\w.\-/]+"?)(?=:)/, "key"]],
  docker: [[/^(\s*#.*)$/, "note"], [/^()([A-Z]+)(?=\s)/, "key"]],
  other: [[/^(\s*#.*)$/, "note"]],
};

const kindOf = (name) => (/\.ya?ml$/.test(name) ? "yml" : /dockerfile/i.test(name) ? "docker" : "other");

export class Files {
  constructor(address) {
    Object.assign(this, { address, files: [], loaded: false });
  }

  async load() {
    if (this.loaded) return;
    this.loaded = true;
    try {
      const answer = await fetch(this.address, { headers: { Accept: "application/json" } });
      this.files = answer.ok ? (await answer.json()).files : [];
    } catch {
      this.files = [];
    }
    this.loaded = this.files.length > 0;
    this.draw();
  }

  draw() {
    byId("ax-files-empty").hidden = this.files.length > 0;
    byId("ax-files-code").hidden = this.files.length === 0;
    const tabs = this.files.map((file, index) => h("button", {
      type: "button", role: "tab", class: "ax-tab", "aria-selected": String(index === 0), onclick: () => this.open(index),
    }, file.name));
    byId("ax-files-tabs").replaceChildren(...tabs);
    if (this.files.length) this.open(Math.max(0, this.files.findIndex((file) => kindOf(file.name) === "yml")));
  }

  open(index) {
    const file = this.files[index];
    [...byId("ax-files-tabs").children].forEach((tab, at) => tab.setAttribute("aria-selected", String(at === index)));
    const rules = RULES[kindOf(file.name)];
    byId("ax-files-text").replaceChildren(...file.text.split("\n").map((line) => h("span", { class: "ax-code-line" }, coloured(line, rules), "\n")));
    const link = byId("ax-files-download");
    if (link.href) URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([file.text], { type: "text/plain" }));
    link.download = file.name.split("/").pop();
    link.hidden = false;
  }
}

function coloured(line, rules) {
  for (const [pattern, tone] of rules) {
    const match = pattern.exec(line);
    if (!match) continue;
    if (tone === "note") return h("span", { class: "ax-code-note" }, line);
    const rest = line.slice(match[0].length);
    return h("span", {}, match[1], h("span", { class: `ax-code-${tone}` }, match[2]), rest);
  }
  return line;
}
