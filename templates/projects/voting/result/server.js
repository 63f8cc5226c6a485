'use strict';
// The live result: a page, its JSON, its stream of changes, and an honest health check.

const http = require('node:http');
const fs = require('node:fs');
const path = require('node:path');
const { Live } = require('./lib/live');
const { listen, openPool, readTally } = require('./lib/votes');

const PUBLIC = path.join(__dirname, 'public');
const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
const STOP_MS = 5000;

// Read once: only these files can be asked for.
const files = new Map(fs.readdirSync(PUBLIC).map((name) => [
  name === 'index.html' ? '/' : `/${name}`,
  { type: TYPES[path.extname(name)], body: fs.readFileSync(path.join(PUBLIC, name)) },
]));

function send(response, status, type, body) {
  response.writeHead(status, {
    'Content-Type': type, 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'self'; img-src 'self' data:",
  });
  response.end(body);
}

function sendJson(response, status, data) {
  send(response, status, 'application/json', JSON.stringify(data));
}

async function answer(request, response, pool, live) {
  const where = new URL(request.url, 'http://local').pathname;
  if (!['GET', 'HEAD'].includes(request.method)) return sendJson(response, 405, { error: 'only GET' });
  if (where === '/health') {
    await pool.query('SELECT 1');
    return sendJson(response, 200, { status: 'ok', database: 'ok' });
  }
  if (where === '/api/results') return sendJson(response, 200, await readTally(pool));
  if (where === '/events') {
    return live.add(response) || sendJson(response, 503, { error: 'too many open pages' });
  }
  const file = files.get(where);
  return file ? send(response, 200, file.type, file.body) : sendJson(response, 404, { error: 'no such page' });
}

function start({ databaseUrl, port }) {
  const pool = openPool(databaseUrl);
  const live = new Live(() => readTally(pool));
  const stopListening = listen(databaseUrl, () => live.changed());
  const server = http.createServer((request, response) => {
    answer(request, response, pool, live).catch((error) => {
      console.error(`result: ${request.url}: ${error.message}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, 503, { status: 'error', error: 'the database does not answer' });
    });
  });
  server.listen(port, () => console.log(`result: listening on port ${server.address().port}`));
  return async function stop() {
    live.close();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await closed;
    await stopListening();
    await pool.end();
  };
}

function main() {
  if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set');
  const stop = start({ databaseUrl: process.env.DATABASE_URL, port: Number(process.env.PORT ?? 4000) });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => process.exit(1), STOP_MS).unref();
      stop().then(() => { console.log('result: stopped'); process.exit(0); });
    });
  }
}

main();
