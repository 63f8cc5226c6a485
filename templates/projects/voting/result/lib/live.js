'use strict';
// Server-sent events: every open page gets each new tally.

const MOST_PAGES = 500;
// Votes may come by the hundred: a page needs no more than this.
const QUIET_MS = 100;
// Proxies close a connection on which nothing is said.
const COMMENT_MS = 15000;

class Live {
  constructor(read) {
    this.read = read;
    this.pages = new Set();
    this.timer = null;
    this.comments = setInterval(() => this.write(': still here\n\n'), COMMENT_MS);
  }

  /** Adds a page and sends it the tally of now; false when too many are open. */
  add(response) {
    if (this.pages.size >= MOST_PAGES) return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.write('retry: 1000\n\n');
    this.pages.add(response);
    response.on('close', () => this.pages.delete(response));
    this.changed();
    return true;
  }

  changed() {
    this.timer ??= setTimeout(() => { this.timer = null; this.send(); }, QUIET_MS);
  }

  async send() {
    if (this.pages.size === 0) return;
    try {
      this.write(`event: tally\ndata: ${JSON.stringify(await this.read())}\n\n`);
    } catch (error) {
      console.error(`result: no tally: ${error.message}`);
      this.write('event: trouble\ndata: {}\n\n');
    }
  }

  write(text) {
    for (const page of this.pages) page.write(text);
  }

  close() {
    clearTimeout(this.timer);
    clearInterval(this.comments);
    for (const page of this.pages) page.end();
  }
}

module.exports = { Live };
