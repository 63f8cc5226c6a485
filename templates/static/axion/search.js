// The search over everything: Ctrl-K or Cmd-K on every page. A classic script: the admin loads it on every page.
(() => {
  const { gettext, ngettext } = globalThis.axionWords;
  const PAUSE_MS = 200;
  const DEADLINE_MS = 10_000;
  const MIN_LENGTH = 2;
  const NAMES = {
    project: gettext("Projects"), deployment: gettext("Deployments"), service: gettext("Services"), variable: gettext("Variables"), volume: gettext("Volumes"), server: gettext("Servers"), cluster: gettext("Clusters"),
    agent: gettext("Agents"), command: gettext("Commands"), registry: gettext("Registries"), incident: gettext("Incidents"), channel: gettext("Notification channels"), person: gettext("People"), group: gettext("Groups"),
    invitation: gettext("Invitations"), token: gettext("API tokens"), enrolment: gettext("Enrolment tokens"), mute: gettext("Muted now"), documentation: gettext("Documentation"),
  };
  const PAGES = {
    project: (id) => `deployments/project/${id}/change/`, deployment: (id) => `deployments/deployment/${id}/change/`,
    service: (id) => `deployments/project/${id}/change/`, server: (id) => `agents/server/${id}/overview/`,
    cluster: (id) => `agents/cluster/${id}/change/`, incident: (id) => `deployments/incident/${id}/change/`,
    registry: (id) => `deployments/registry/${id}/change/`, channel: (id) => `deployments/notificationchannel/${id}/change/`, group: (id) => `deployments/peoplegroup/${id}/change/`,
    person: (id, all) => (all ? `deployments/user/${id}/change/` : `deployments/deployment/?requested_by_id=${id}`),
    variable: (id) => `deployments/project/${id}/variables/`, volume: (id, all, of) => (of === "server" ? `agents/server/${id}/volumes/` : `deployments/project/${id}/volumes/`),
    agent: (id) => `agents/agent/${id}/change/`, command: (id) => `agents/commandrecord/${id}/change/`, token: (id) => `deployments/apitoken/${id}/change/`,
    enrolment: (id) => `agents/enrolmenttoken/${id}/change/`, mute: (id, all, of) => PAGES[of](id, all),
    invitation: (id, all, of) => (of === "project" ? `deployments/project/${id}/people/` : `deployments/projectinvitation/${id}/change/`),
  };

  document.addEventListener("DOMContentLoaded", () => {
    const dialog = document.getElementById("ax-search");
    if (!dialog) return;
    const [text, said, list] = ["text", "said", "found"].map((part) => document.getElementById(`ax-search-${part}`));
    let chosen = -1;
    let timer = null;
    let asking = null;
    const options = () => [...list.querySelectorAll("[role=option]")];
    const make = (tag, values, ...children) => {
      const element = document.createElement(tag);
      Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
      element.append(...children);
      return element;
    };

    function choose(index) {
      const all = options();
      chosen = all.length ? (index + all.length) % all.length : -1;
      all.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
      if (chosen < 0) text.removeAttribute("aria-activedescendant");
      else text.setAttribute("aria-activedescendant", all[chosen].id);
      all[chosen]?.scrollIntoView({ block: "nearest" });
    }

    function show(items, words) {
      list.replaceChildren(...Object.keys(NAMES).filter((kind) => items.some((item) => item.kind === kind)).map((kind) =>
        make("div", { role: "group", "aria-label": NAMES[kind] }, make("p", { class: "ax-hint", "aria-hidden": "true" }, NAMES[kind]),
          ...items.map((item, at) => [item, at]).filter(([item]) => item.kind === kind).map(([item, at]) =>
            make("a", { role: "option", id: `ax-search-${at}`, "aria-selected": "false", tabindex: "-1", href: item.address || dialog.dataset.admin + PAGES[kind](item.id, dialog.dataset.all, item.of) },
              make("strong", {}, item.title), item.detail ? ` ${item.detail}` : "")))));
      text.setAttribute("aria-expanded", String(items.length > 0));
      said.textContent = words;
      choose(items.length ? 0 : -1);
    }

    async function ask() {
      asking?.abort();
      const wanted = text.value.trim();
      if (wanted.length < MIN_LENGTH) return show([], gettext("Type at least 2 characters."));
      const mine = asking = new AbortController();
      const late = setTimeout(() => mine.abort("late"), DEADLINE_MS);
      said.textContent = gettext("Searching…");
      try {
        const answer = await fetch(`${dialog.dataset.url}?q=${encodeURIComponent(wanted)}`, { signal: mine.signal, headers: { Accept: "application/json" } });
        const body = await answer.json();
        if (!answer.ok) return show([], answer.status === 401 ? gettext("You are signed out. Sign in again to search.") : Object.values(body.details ?? {})[0] ?? gettext("The search failed. Try again."));
        const { found, more } = body.data;
        const rest = more.length ? gettext("There are more: {kinds}. Add a word.", { kinds: more.map((kind) => NAMES[kind].toLowerCase()).join(", ") }) : "";
        show(found, found.length ? [ngettext("{count} found.", "{count} found.", found.length), rest].join(" ") : gettext("Nothing found."));
      } catch {
        if (asking === mine) show([], gettext("No response from the server. Try again."));
      } finally {
        clearTimeout(late);
      }
    }

    function open() {
      if (dialog.open) return text.select();
      dialog.showModal();
      text.focus();
      text.select();
    }

    text.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    });
    text.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
      else if (event.key === "Enter") options()[chosen]?.click();
      else return;
      event.preventDefault();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
    const button = make("button", { type: "button", class: "ax-button ax-search-open", "aria-haspopup": "dialog", "aria-keyshortcuts": "Control+K Meta+K", title: gettext("Search (Ctrl-K)"), "aria-label": gettext("Search") },
      make("span", { class: "ax-icon", "aria-hidden": "true" }, "search"));
    button.addEventListener("click", open);
    document.querySelector("#header-inner > div")?.append(button);
  });
})();
