// Talks to an echo server of ours with `ws`: node client.mjs URL VARIANT
import { once } from "node:events";
import WebSocket from "ws";
import { messages, options, reasons } from "./shared.mjs";

const [url, variant] = process.argv.slice(2);
setTimeout(() => fail("time", "not done after 60 seconds"), 60_000).unref();

await check("negotiation", async () => {
  const socket = await open();
  const agreed = socket.extensions;
  const wanted = variant === "none" ? "" : "permessage-deflate";
  expect(agreed, wanted);
  if (variant === "no-takeover") {
    const { params } = socket._extensions["permessage-deflate"];
    expect([params.server_no_context_takeover, params.client_no_context_takeover], [true, true]);
  }
  if (variant === "window-10") {
    const { params } = socket._extensions["permessage-deflate"];
    expect([params.server_max_window_bits, params.client_max_window_bits], [10, 10]);
  }
  socket.close();
  await once(socket, "close");
});

await check("echo", async () => {
  const socket = await open();
  for (const message of messages()) {
    socket.send(message);
    await echoed(socket, message);
  }
  socket.close();
  await once(socket, "close");
});

await check("size", async () => {
  const socket = await open();
  const before = socket._socket.bytesRead;
  const text = "물고기 한 마리, ".repeat(10_000);
  socket.send(text);
  await echoed(socket, text);
  const came = socket._socket.bytesRead - before;
  const size = Buffer.byteLength(text);
  const compressed = variant !== "none";
  if (compressed !== came < size / 2) {
    throw new Error(`${size} bytes of text came as ${came}`);
  }
  socket.close();
  await once(socket, "close");
});

await check("fragments", async () => {
  const socket = await open();
  const parts = ["조", "각", "", "x".repeat(70_000), "끝"];
  parts.forEach((part, index) => socket.send(part, { fin: index === parts.length - 1 }));
  await echoed(socket, parts.join(""));
  socket.close();
  await once(socket, "close");
});

await check("burst", async () => {
  const socket = await open();
  const count = 2000;
  const received = [];
  const done = new Promise((resolve) => {
    socket.on("message", (data) => received.push(data.toString()) === count && resolve());
  });
  const sent = Array.from({ length: count }, (_, index) => `${index}번째 ${"연어".repeat(index % 150)}`);
  sent.forEach((message) => socket.send(message));
  await done;
  expect(received, sent);
  socket.close();
  await once(socket, "close");
});

await check("ping", async () => {
  const socket = await open();
  socket.ping("안부");
  const [payload] = await once(socket, "pong");
  expect(payload.toString(), "안부");
  socket.close();
  await once(socket, "close");
});

for (const [code, reason] of reasons) {
  await check(`close ${code ?? "without a code"}`, async () => {
    const socket = await open();
    socket.close(code, reason);
    const [came] = await once(socket, "close");
    expect(came, code ?? 1005);
  });
}

await check("server's close", async () => {
  const socket = await open();
  console.log("stop the server");
  const [code, reason] = await once(socket, "close");
  expect([code, reason.toString()], [1001, "the server stops"]);
});
process.exit(0);

async function open() {
  const socket = new WebSocket(url, { ...options(variant), maxPayload: 0 });
  await once(socket, "open");
  return socket;
}

async function echoed(socket, message) {
  const [data, binary] = await once(socket, "message");
  expect(binary, typeof message !== "string");
  if (!data.equals(Buffer.from(message))) {
    throw new Error(`a message of ${Buffer.byteLength(message)} bytes came back changed, ${data.length} bytes long`);
  }
}

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    fail(name, error.message);
  }
}

function fail(name, why) {
  console.log(`failed ${name}: ${String(why).replaceAll("\n", " ")}`);
  process.exit(1);
}

function expect(came, wanted) {
  if (JSON.stringify(came) !== JSON.stringify(wanted)) {
    throw new Error(`expected ${JSON.stringify(wanted)}, got ${JSON.stringify(came)}`.slice(0, 300));
  }
}
