// Moments in the reader's zone, exact and with it, and how long ago that is. A classic script: the admin loads it on every page.
(() => {
  const EXACT = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZoneName: "short" };
  const language = () => globalThis.axionWords.locale;

  function since(seconds) {
    const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto", style: "short" });
    const [sign, size] = [Math.sign(seconds), Math.abs(seconds)];
    if (size < 60) return words.format(0, "second");
    if (size < 3600) return words.format(-sign * Math.floor(size / 60), "minute");
    if (size < 86400) return words.format(-sign * Math.floor(size / 3600), "hour");
    return words.format(-sign * Math.floor(size / 86400), "day");
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const element of document.querySelectorAll("time.ax-time")) {
      const at = new Date(element.dateTime);
      const exact = Object.assign(document.createElement("span"), { className: "ax-exact", textContent: at.toLocaleString(language(), EXACT) });
      element.replaceChildren(since(Math.round((Date.now() - at) / 1000)), " (", exact, ")");
    }
  });
})();
