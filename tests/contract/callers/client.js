// Callers on NestJS: each line on stdin {id, caller, pattern, payload, emit} is one request of that caller; each line on
// stdout {id, values, error} is what its observable said until it completed or failed.
require('reflect-metadata');
const readline = require('readline');
const { ClientKafka } = require('@nestjs/microservices');

const patterns = process.env.CALLER_PATTERNS.split(',');
const callers = Array.from({ length: Number(process.env.CALLERS) }, (_, number) => new ClientKafka({
  client: { clientId: `caller-${number}`, brokers: [process.env.CALLER_BROKER], logLevel: 1 },
  consumer: { groupId: process.env.CALLER_GROUP, maxWaitTimeInMs: 100 },
  producer: { allowAutoTopicCreation: false },
}));

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

function ask({ id, caller, pattern, payload, emit }) {
  const values = [];
  const asked = emit ? callers[caller].emit(pattern, payload) : callers[caller].send(pattern, payload);
  asked.subscribe({
    next: (value) => values.push(value),
    error: (error) => say({ id, values, error: error instanceof Error ? String(error) : error }),
    complete: () => say({ id, values }),
  });
}

async function main() {
  for (const caller of callers) {
    patterns.forEach((pattern) => caller.subscribeToResponseOf(pattern));
    await caller.connect();
  }
  const partitions = () => callers.map((caller) => caller.getConsumerAssignments()[`${patterns[0]}.reply`]);
  while (new Set(partitions()).size < callers.length || partitions().includes(undefined)) {
    await new Promise((done) => setTimeout(done, 100));
  }
  say({ ready: partitions() });
  readline.createInterface({ input: process.stdin }).on('line', (line) => ask(JSON.parse(line)));
}

main();
