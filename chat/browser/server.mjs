// The server under test: any command that prints its address as a line with a URL, ends on SIGINT, and
// takes the address to listen on as its last argument.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

class Server {
  /** How often it was stopped. */
  downs = 0;

  start() {
    return this.#run(COMMAND);
  }

  /** Stops it as Ctrl-C would, and waits for its end. */
  async stop() {
    const { process } = this;
    if (!process) return;
    this.process = null;
    this.downs += 1;
    const end = once(process, "exit");
    process.kill("SIGINT");
    await end;
  }

  /** Starts it again where it was. */
  restart() {
    return this.#run(COMMAND.replace(/\S+$/, new URL(this.url).host));
  }

  async #run(command) {
    const [program, ...words] = command.split(/\s+/);
    this.process = spawn(program, words, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    const failure = once(this.process, "exit").then(([code]) => {
      throw new Error(`${command}: ended with ${code} before it printed its address`);
    });
    // The end comes some time; it is a failure only before the address.
    failure.catch(() => {});
    this.url = await Promise.race([address(this.process.stdout), failure]);
  }
}

async function address(stdout) {
  const lines = createInterface(stdout);
  return new Promise((resolve) => {
    lines.on("line", (line) => {
      const url = line.match(/http:\/\/[^\s/]+/)?.[0];
      if (url) resolve(`${url}/`);
    });
  });
}

const COMMAND = process.env.CHAT_SERVER ?? "cargo run --release -q -p chat -- 127.0.0.1:0";

const ROOT = new URL("../..", import.meta.url).pathname;

export const server = new Server();
