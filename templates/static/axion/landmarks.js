// What the frame of the admin leaves out for who comes by keyboard or hears the page: landmarks, a way past the menu,
// symbols that are no words, and controls that a key can reach. A classic script: the admin loads it on every page.
(() => {
  const { gettext } = globalThis.axionWords;
  const NATIVE = "a[href], button, input, select, textarea, summary, label, [tabindex]";
  const set = (element, values) => element && Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));

  function landmarks() {
    set(document.getElementById("nav-sidebar"), { role: "navigation", "aria-label": gettext("Menu") });
    const content = document.getElementById("content");
    set(content, { role: "main", tabindex: "-1" });
    // The way to the page is no heading of it.
    const head = document.querySelector("#header-inner");
    set(head?.closest("#main > div"), { role: "banner" });
    const crumbs = head?.querySelector("h1");
    if (crumbs) {
      const way = Object.assign(document.createElement("nav"), { className: crumbs.className, ariaLabel: gettext("Breadcrumb") });
      way.append(...crumbs.childNodes);
      crumbs.replaceWith(way);
    }
    if (content && !content.querySelector("h1")) {
      const first = content.querySelector("h2");
      if (first) set(first, { "aria-level": "1", role: "heading" });
      else content.prepend(Object.assign(document.createElement("h1"), { className: "ax-unseen", textContent: document.title.split("|")[0].trim() }));
    }
    set(document.getElementById("nav-sidebar-apps"), { "data-simplebar-aria-label": gettext("Pages of the menu") });
    parts();
    if (!content || document.querySelector(".ax-skip")) return;
    const skip = Object.assign(document.createElement("a"), { href: "#content", className: "ax-skip", textContent: gettext("Skip to content") });
    document.body.prepend(skip);
  }

  // What the frame puts below or above the content.
  function parts() {
    const outside = (element) => !element.closest("[role=main], [role=region], main");
    const named = { "#submit-row": gettext("Save"), ".lg\\:backdrop-blur-xs": gettext("Rows and pages") };
    for (const [selector, name] of Object.entries(named)) {
      for (const element of document.querySelectorAll(selector)) if (outside(element)) set(element, { role: "region", "aria-label": name });
    }
    // On a phone each cell of a list bears the head of its column, which some fields write small.
    for (const cell of document.querySelectorAll("#result_list [data-label]")) cell.dataset.label = cell.dataset.label.replace(/^\p{L}/u, (first) => first.toUpperCase());
    for (const cell of document.querySelectorAll("#page th")) {
      if (!cell.textContent.trim() && !cell.querySelector("input")) cell.append(Object.assign(document.createElement("span"), { className: "ax-unseen", textContent: gettext("Delete") }));
    }
  }

  const nameOf = (element) => element.getAttribute("title") || element.textContent.replace(/\s+/g, " ").trim();

  // A heading stays one, and holds its button.
  function inside(heading) {
    const button = Object.assign(document.createElement("span"), { className: "flex flex-row grow items-center" });
    button.append(...heading.childNodes);
    heading.append(button);
    return button;
  }

  // What answers a click and is no button gets the name, the place in the order, and the keys of one.
  function reachable(clickable) {
    if (clickable.matches("[x-ref^=relatedWidgetWrapper]") || clickable.matches(NATIVE) || clickable.closest("a[href], button, label") || clickable.querySelector("input, select, textarea")) return;
    const element = clickable.matches("h1, h2, h3") ? inside(clickable) : clickable;
    set(element, { role: "button", tabindex: "0" });
    if (element.closest("#nav-sidebar") && element.querySelector(".truncate")) set(element, { "aria-label": gettext("Account of {name}", { name: element.querySelector(".truncate").textContent.trim() }) });
    else if (!nameOf(element)) set(element, { "aria-label": gettext("Show or hide the menu") });
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      element.click();
    });
  }

  const clicked = (element) => [...element.attributes].some(({ name }) => /^(x-on:|@)click(\.prevent|\.stop)*$/.test(name));

  document.addEventListener("DOMContentLoaded", () => {
    landmarks();
    for (const symbol of document.querySelectorAll(".material-symbols-outlined")) {
      const only = symbol.parentElement.textContent.trim() === symbol.textContent.trim() && symbol.parentElement.matches("a, button");
      if (only && !symbol.parentElement.hasAttribute("aria-label")) set(symbol.parentElement, { "aria-label": symbol.parentElement.title || symbol.textContent.trim().replace(/_/g, " ") });
      set(symbol, { "aria-hidden": "true" });
    }
    [...document.querySelectorAll("#page *")].filter(clicked).forEach(reachable);
    for (const symbol of document.querySelectorAll("#page .material-symbols-outlined[role=button]")) {
      symbol.removeAttribute("aria-hidden");
      set(symbol, { "aria-label": symbol.textContent.trim().includes("dock") || symbol.textContent.trim().includes("panel") ? gettext("Show or hide the menu") : symbol.textContent.trim().replace(/_/g, " ") });
    }
  });
})();
