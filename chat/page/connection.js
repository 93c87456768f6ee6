// A WebSocket that comes back by itself. It knows nothing of the page and nothing of the chat but the
// close codes of PROTOCOL.md.

export class Connection {
  /**
   * Connects to `address()`, which is asked anew for every attempt.
   *
   * `onphase({ name, until })` hears "connecting", "open" (the first frame is here), "waiting" (for the
   * next attempt, at the time `until`) and "closed" (for good); `onframe(object)` hears every frame, and
   * `onend(code)` every end that the server gave a reason for.
   */
  constructor(address, { onphase, onframe, onend }) {
    Object.assign(this, { address, onphase, onframe, onend });
    this.attempts = 0;
    this.wakes = new AbortController();
    const wake = () => document.visibilityState === "visible" && this.retry();
    const { signal } = this.wakes;
    document.addEventListener("visibilitychange", wake, { signal });
    addEventListener("online", wake, { signal });
    addEventListener("pageshow", wake, { signal });
    this.#connect();
  }

  get open() {
    return this.phase === "open";
  }

  /** Sends if the connection is open, and says whether it did. The server has to answer in time. */
  send(object) {
    if (!this.open) return false;
    this.socket.send(JSON.stringify(object));
    this.alarm ??= setTimeout(() => this.#lost(1006), ANSWER_WITHIN);
    return true;
  }

  /** Does not wait for the next attempt. */
  retry() {
    if (this.phase === "waiting") this.#connect();
  }

  /** Leaves for good. */
  close() {
    this.#drop();
    this.wakes.abort();
    this.#enter("closed");
  }

  #connect() {
    this.#drop();
    this.#enter("connecting");
    const socket = new WebSocket(this.address());
    this.socket = socket;
    this.alarm = setTimeout(() => this.#lost(1006), ANSWER_WITHIN);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lost(code);
  }

  #receive(data) {
    this.#quiet();
    if (!this.open) {
      this.since = Date.now();
      this.#enter("open");
    }
    this.onframe(JSON.parse(data));
  }

  #lost(code) {
    // A server that greets and hangs up is no reason to begin the waits anew.
    if (this.open && Date.now() - this.since > STABLE_AFTER) this.attempts = 0;
    this.#drop();
    if (code !== 1006) this.onend(code);
    // What heard the reason may have closed the connection for good.
    if (this.phase === "closed") return;

    if (code === TRY_AGAIN_LATER) this.attempts = Math.max(this.attempts, 4);
    const longest = Math.min(FIRST_WAIT * 2 ** this.attempts, LONGEST_WAIT);
    const wait = longest * (0.5 + Math.random() / 2);
    this.attempts += 1;
    this.timer = setTimeout(() => this.#connect(), wait);
    this.#enter("waiting", Date.now() + wait);
  }

  /** Lets go of the socket and of every timer. A socket that is dropped is not heard again. */
  #drop() {
    this.#quiet();
    clearTimeout(this.timer);
    if (this.socket) {
      this.socket.onmessage = this.socket.onclose = null;
      this.socket.close(1000);
      this.socket = null;
    }
  }

  #quiet() {
    clearTimeout(this.alarm);
    this.alarm = null;
  }

  #enter(name, until) {
    this.phase = name;
    this.onphase({ name, until });
  }
}

const TRY_AGAIN_LATER = 1013;

// Milliseconds.
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const ANSWER_WITHIN = 10_000;
const STABLE_AFTER = 5_000;
