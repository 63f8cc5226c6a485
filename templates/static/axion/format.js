// Times and sizes for people.

export function clock(ms) {
  return ms ? new Date(ms).toLocaleTimeString([], { hour12: false }) : "";
}

// Made once: making one costs more than drawing a row.
const ZONE = new Intl.DateTimeFormat([], { timeZoneName: "short" });
const zoneOf = (at) => ZONE.formatToParts(at).find((part) => part.type === "timeZoneName").value;

// A time of today, or with its day; with the zone, as it may be read to somebody elsewhere.
export function moment(ms, now = Date.now()) {
  const [at, today] = [new Date(ms), new Date(now)];
  const year = at.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
  const day = at.toDateString() === today.toDateString() ? "" : `${at.toLocaleDateString([], { day: "numeric", month: "short", ...year })}, `;
  return `${day}${at.toLocaleTimeString([], { hour12: false, hour: "2-digit", minute: "2-digit" })} ${zoneOf(at)}`;
}

// To the second and with the zone, for whoever has to find it in another record.
export const exact = (ms) => new Date(ms).toLocaleString([], { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZoneName: "short" });

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export function relative(ms, now = Date.now()) {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return "";
}

// How long ago, and when that was.
export function ago(ms, now = Date.now()) {
  const age = relative(ms, now);
  return age ? `${age} (${moment(ms, now)})` : moment(ms, now);
}

export const shortDigest = (digest) => digest.replace(/^sha256:/, "").slice(0, 12);

export const shortId = (id) => id.slice(0, 8);

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

export function took(deployment, now = Date.now()) {
  return deployment.startedAt ? duration((deployment.completedAt || now) - deployment.startedAt) : "";
}
