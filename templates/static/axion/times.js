// Times in lists, in the reader's own words. A classic script: the admin loads it on every page.
document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll("time.ax-time")) {
    const at = new Date(element.dateTime);
    const seconds = Math.round((Date.now() - at) / 1000);
    element.title = at.toLocaleString();
    if (Math.abs(seconds) < 60) element.textContent = "just now";
    else if (seconds > 0 && seconds < 3600) element.textContent = `${Math.floor(seconds / 60)} min ago`;
    else if (seconds > 0 && seconds < 86400) element.textContent = `${Math.floor(seconds / 3600)} h ago`;
    else element.textContent = at.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
  }
});
