// An echo server with `ws`: node server.mjs VARIANT. Its paths are described in ../README.md.
import { WebSocketServer } from "ws";
import { options } from "./shared.mjs";

const [variant] = process.argv.slice(2);
const handleProtocols = (offered) => (offered.has("chat.v1") ? "chat.v1" : false);
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols, ...options(variant) });
server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();

let last = deferred();

server.on("connection", (socket, request) => {
  const url = new URL(request.url, "ws://localhost");
  socket.on("error", (error) => console.error(`error: ${error.message}`));
  switch (url.pathname) {
    case "/":
      socket.on("message", (data, binary) => socket.send(data, { binary }));
      break;
    case "/extensions":
      socket.send(socket.extensions);
      break;
    case "/fragments":
      ["조각", "", "x".repeat(70_000), "끝"].forEach((part, index) => socket.send(part, { fin: index === 3 }));
      break;
    case "/close": {
      const code = url.searchParams.get("code");
      socket.close(code ? Number(code) : undefined, url.searchParams.get("reason") ?? undefined);
      break;
    }
    case "/report":
      socket.on("close", (code, reason) => last.resolve(`${code} ${reason}`));
      break;
    case "/reported":
      last.promise.then((report) => {
        last = deferred();
        socket.send(report);
      });
      break;
    default:
      socket.close(4404, "no such path");
  }
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
