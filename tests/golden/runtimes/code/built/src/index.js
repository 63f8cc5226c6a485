const http = require("http");
const ms = require("ms");

http.createServer((request, answer) => answer.end(ms(60000))).listen(process.env.PORT);
