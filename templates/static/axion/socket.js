// A websocket that comes back by itself and says where it stands: "live", "lost" (trying again) or "ended".

const FIRST_PAUSE = 500;
const MAX_PAUSE = 15000;
const SILENCE = 35000;
const SIGNED_OUT = 4401;
const GONE = 4404;

export class LiveSocket {
  // `address()` is asked at every connection: it carries the last sequence. `probe` tells why a handshake failed.
  constructor({ address, probe, opened, received, changed }) {
    Object.assign(this, { address, probe, opened, received, changed });
    this.pause = FIRST_PAUSE;
    this.connect();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}${this.address()}`);
    this.wasOpen = false;
    this.watch();
    this.socket.onopen = () => {
      this.wasOpen = true;
      this.changed("live");
      this.opened?.(this.socket);
    };
    this.socket.onmessage = (message) => {
      this.pause = FIRST_PAUSE;
      this.watch();
      this.changed("live");
      const parsed = JSON.parse(message.data);
      if (parsed.kind !== "alive") this.received(parsed);
    };
    this.socket.onclose = (event) => this.closed(event.code);
  }

  // A dead connection says nothing; the server says something every few seconds.
  watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket.close(), SILENCE);
  }

  async closed(code) {
    clearTimeout(this.silence);
    if (code === SIGNED_OUT || code === GONE) return this.end(code === SIGNED_OUT ? "signed out" : "gone");
    this.changed("lost");
    if (!this.wasOpen && (await this.refused())) return;
    this.timer = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(MAX_PAUSE, this.pause * 2);
  }

  // A refused handshake looks like a broken line to a browser; plain HTTP says which it was.
  async refused() {
    try {
      const answer = await fetch(this.probe, { redirect: "manual", headers: { Accept: "application/json" } });
      if (answer.type === "opaqueredirect" || answer.status === 401) return this.end("signed out");
      if (answer.status === 404 || answer.status === 403) return this.end("gone");
    } catch {
      return false;
    }
    return false;
  }

  end(why) {
    this.changed("ended", why);
    return true;
  }

  hurry() {
    if (this.socket.readyState === WebSocket.CLOSED) {
      this.pause = FIRST_PAUSE;
      this.connect();
    }
  }
}
