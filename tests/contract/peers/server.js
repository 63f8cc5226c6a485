// The platform's other services as one NestJS microservice. What they know, and how they misbehave, is the file
// PEERS_WORLD, read anew for each request; what they were asked goes to PEERS_HEARD, one JSON document a line.
require('reflect-metadata');
const fs = require('fs');
const { Controller } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { MessagePattern, Payload, RpcException, Transport } = require('@nestjs/microservices');

const world = () => JSON.parse(fs.readFileSync(process.env.PEERS_WORLD, 'utf8'));
const asked = {};

const shapes = {
  flat: (payload) => ({ status: 1, ...payload }),
  nested: (payload) => ({ status: 1, result: payload }),
  data: (payload) => ({ status: 1, result: { data: payload } }),
};
const refusals = {
  flat: (error) => ({ status: 2, error }),
  nested: (error) => ({ status: 2, result: { error } }),
  data: (error) => ({ status: 2, result: { error } }),
};

async function answer(pattern, request, find) {
  fs.appendFileSync(process.env.PEERS_HEARD, JSON.stringify({ pattern, request }) + '\n');
  const now = world();
  const trouble = (now.trouble || {})[pattern] || {};
  asked[pattern] = (asked[pattern] || 0) + 1;
  if (trouble.delayMs) await new Promise((done) => setTimeout(done, trouble.delayMs));
  if (trouble.crash) throw new Error('a handler that falls over');
  if (trouble.rpc) throw new RpcException(trouble.rpc);
  if ('raw' in trouble) return trouble.raw;
  const shape = now.shape || 'flat';
  if (trouble.error) return refusals[shape](trouble.error);
  const found = find(now);
  if (!found) return refusals[shape]({ code: 'NOT_FOUND', message: 'Resource not found', details: {} });
  return shapes[shape](found);
}

const owned = (now, kind, id, request) => {
  const one = (now[kind] || {})[id];
  return one && one.userId === (request.metadata || {}).userId ? one : null;
};

class Peers {
  getProject(request) {
    return answer('graph-service.getProject', request, (now) => {
      const project = owned(now, 'projects', request.projectId, request);
      return project && { project };
    });
  }
  getGraph(request) {
    return answer('graph-service.getGraph', request, (now) => {
      const project = owned(now, 'projects', request.projectId, request);
      return project && { graph: now.graphs[request.projectId] };
    });
  }
  generateProject(request) {
    return answer('codegen-service.generateProject', request, (now) => {
      const results = now.results[request.projectId] || [];
      return { data: { results, totalServices: results.length } };
    });
  }
  getServer(request) {
    return answer('infrastructure-service.getServer', request, (now) => {
      const server = owned(now, 'servers', request.serverId, request);
      return server && { server };
    });
  }
  validateSession(request) {
    return answer('auth-service.validate-session', request, (now) => {
      const userId = (now.sessions || {})[request.sessionToken];
      return userId && { session: { userId } };
    });
  }
}

const patterns = {
  getProject: 'graph-service.getProject',
  getGraph: 'graph-service.getGraph',
  generateProject: 'codegen-service.generateProject',
  getServer: 'infrastructure-service.getServer',
  validateSession: 'auth-service.validate-session',
};
for (const [method, pattern] of Object.entries(patterns)) {
  MessagePattern(pattern)(Peers.prototype, method, Object.getOwnPropertyDescriptor(Peers.prototype, method));
  Payload()(Peers.prototype, method, 0);
}
Controller()(Peers);

class Module {}
require('@nestjs/common').Module({ controllers: [Peers] })(Module);

// Sessions guard the peers where the world says so, as NestJS services do it.
const guard = {
  canActivate(context) {
    const now = world();
    const request = context.switchToRpc().getData();
    if (!now.guarded || request.sessionToken) return true;
    return Boolean((now.sessions || {})[(request.metadata || {}).sessionToken]);
  },
};

async function main() {
  const app = await NestFactory.createMicroservice(Module, {
    transport: Transport.KAFKA,
    logger: ['error'],
    options: {
      client: { clientId: 'peers', brokers: [process.env.PEERS_BROKER], logLevel: 1 },
      consumer: { groupId: 'peers-group', maxWaitTimeInMs: 100 },
    },
  });
  app.useGlobalGuards(guard);
  await app.listen();
  console.log('peers are ready');
}

main();
