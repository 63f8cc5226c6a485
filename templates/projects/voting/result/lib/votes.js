'use strict';
// Reads the tally from PostgreSQL and hears of changes; reconnects by itself.

const { Client, Pool } = require('pg');

const CHOICES = { mountains: 'The mountains', sea: 'The sea' };
const CHANNEL = 'votes_changed';
const TABLE_IS_MISSING = '42P01';
const LONGEST_PAUSE_MS = 5000;

function openPool(url) {
  const pool = new Pool({
    connectionString: url, max: 4, connectionTimeoutMillis: 2000, statement_timeout: 3000, query_timeout: 4000,
    idleTimeoutMillis: 30000, keepAlive: true,
  });
  // Without a listener, an idle connection that PostgreSQL closes would end this program.
  pool.on('error', (error) => console.error(`result: idle connection lost: ${error.message}`));
  return pool;
}

/** {choices: [{key, label, votes}], total}. A table that is not there yet means that nobody has voted. */
async function readTally(pool) {
  const counts = new Map();
  try {
    const answer = await pool.query('SELECT choice, count(*)::int AS votes FROM votes GROUP BY choice');
    for (const row of answer.rows) counts.set(row.choice, row.votes);
  } catch (error) {
    if (error.code !== TABLE_IS_MISSING) throw error;
  }
  const choices = Object.entries(CHOICES).map(([key, label]) => ({ key, label, votes: counts.get(key) ?? 0 }));
  return { choices, total: choices.reduce((sum, choice) => sum + choice.votes, 0) };
}

/** Calls onChange after each change and after each reconnection, until the returned function is called. */
function listen(url, onChange) {
  let client = null;
  let timer = null;
  let stopped = false;
  let pause = 100;

  async function connect() {
    client = new Client({ connectionString: url, connectionTimeoutMillis: 2000, keepAlive: true });
    client.on('notification', onChange);
    client.on('error', (error) => console.error(`result: listener: ${error.message}`));
    client.on('end', later);
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      pause = 100;
      onChange();
    } catch (error) {
      console.error(`result: cannot listen: ${error.message}`);
      await client.end().catch(() => {});
      later();
    }
  }

  function later() {
    if (stopped || timer) return;
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    timer = setTimeout(() => { timer = null; connect(); }, pause * (0.5 + Math.random() / 2));
  }

  connect();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await client.end().catch(() => {});
  };
}

module.exports = { listen, openPool, readTally };
