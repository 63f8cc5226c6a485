import ms from "ms";

const minute: number = 60000;
Bun.serve({ port: process.env.PORT, fetch: () => new Response(ms(minute)) });
