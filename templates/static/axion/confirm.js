// A question before what cannot be taken back: a button with `data-confirm` asks it first. A classic script: the admin
// loads it on every page.
(() => {
  const { gettext } = globalThis.axionWords;

  const make = (tag, values, ...children) => {
    const element = document.createElement(tag);
    Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  };

  // What is written on the button, without its symbol.
  const wordsOf = (button) => [...button.childNodes].filter((each) => !each.classList?.contains("ax-icon")).map((each) => each.textContent).join("").trim();

  function ask(button) {
    const keep = make("button", { type: "button", class: "ax-button", autofocus: "" }, gettext("Cancel"));
    const go = make("button", { type: "button", class: "ax-button", "data-kind": "danger" }, wordsOf(button));
    const dialog = make("dialog", { class: "ax-dialog", "aria-labelledby": "ax-confirm-title" },
      make("h2", { id: "ax-confirm-title" }, gettext("Are you sure?")), make("p", {}, button.dataset.confirm), make("div", { class: "ax-row ax-row-end" }, keep, go));
    keep.addEventListener("click", () => dialog.close());
    go.addEventListener("click", () => {
      dialog.close();
      button.dataset.confirmed = "";
      button.form.requestSubmit(button);
    });
    dialog.addEventListener("close", () => dialog.remove());
    (button.closest(".ax") ?? document.body).append(dialog);
    dialog.showModal();
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.dataset.confirm || "confirmed" in button.dataset) return;
    event.preventDefault();
    event.stopPropagation();
    ask(button);
  }, true);
})();
