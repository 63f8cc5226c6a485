// Times and sizes for people.
import { gettext, locale } from "./say.js";

export function clock(ms) {
  return ms ? new Date(ms).toLocaleTimeString(locale, { hour12: false }) : "";
}

// Made once: making one costs more than drawing a row.
const ZONE = new Intl.DateTimeFormat(locale, { timeZoneName: "short" });
const zoneOf = (at) => ZONE.formatToParts(at).find((part) => part.type === "timeZoneName").value;

// A time of today, or with its day; with the zone, as it may be read to somebody elsewhere.
export function moment(ms, now = Date.now()) {
  const [at, today] = [new Date(ms), new Date(now)];
  const year = at.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
  const day = at.toDateString() === today.toDateString() ? "" : `${at.toLocaleDateString(locale, { day: "numeric", month: "short", ...year })}, `;
  return `${day}${at.toLocaleTimeString(locale, { hour12: false, hour: "2-digit", minute: "2-digit" })} ${zoneOf(at)}`;
}

// To the second and with the zone, for whoever has to find it in another record.
export const exact = (ms) => new Date(ms).toLocaleString(locale, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZoneName: "short" });

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return gettext("{seconds} s", { seconds });
  if (seconds < 3600) return gettext("{minutes} min {seconds} s", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
  return gettext("{hours} h {minutes} min", { hours: Math.floor(seconds / 3600), minutes: Math.floor((seconds % 3600) / 60) });
}

// To the hundredth of a second, where seconds are too coarse.
export function fine(ms) {
  return ms < 60000 ? gettext("{seconds} s", { seconds: (ms / 1000).toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }) }) : duration(ms);
}

export function relative(ms, now = Date.now()) {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 10) return gettext("just now");
  if (seconds < 60) return gettext("{count} s ago", { count: seconds });
  if (seconds < 3600) return gettext("{count} min ago", { count: Math.floor(seconds / 60) });
  if (seconds < 86400) return gettext("{count} h ago", { count: Math.floor(seconds / 3600) });
  return "";
}

// How long ago, and when that was.
export function ago(ms, now = Date.now()) {
  const age = relative(ms, now);
  return age ? `${age} (${moment(ms, now)})` : moment(ms, now);
}

export const shortDigest = (digest) => digest.replace(/^sha256:/, "").slice(0, 12);

export const shortId = (id) => id.slice(0, 8);

export function took(deployment, now = Date.now()) {
  return deployment.startedAt ? duration((deployment.completedAt || now) - deployment.startedAt) : "";
}
