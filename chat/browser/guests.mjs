// Guests of the chat: each one a page in a browser context of its own.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { server } from "./server.mjs";

let browser;

/** Starts one browser for all guests, with a new profile that is gone afterwards. */
export async function launchBrowser() {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
}

export async function closeBrowser() {
  await browser?.close();
}

/** Opens the page of a room in a context of its own, without a name yet. */
export async function open(room, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const guest = new Guest(context, page);
  await page.goto(`${server.url}#${encodeURIComponent(room)}`);
  return guest;
}

export async function visit(room, name, options) {
  const guest = await open(room, options);
  await guest.page.getByLabel("Your name").fill(name);
  await guest.page.getByRole("button", { name: "Join the room" }).click();
  await guest.phase("open");
  return guest;
}

export async function leave(...guests) {
  for (const guest of guests) await guest.leave();
}

class Guest {
  complaints = [];

  constructor(context, page) {
    this.context = context;
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // The browser reports an attempt that found no server, and no page can keep it from that.
      const expected = server.downs > 0 && /WebSocket connection to .* failed/.test(text);
      if (["error", "warning"].includes(message.type()) && !expected) this.complaints.push(text);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url)) this.complaints.push(`asked elsewhere: ${request.url()}`);
    });
  }

  async say(text) {
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
  }

  hears(text) {
    return this.page.locator("#lines .bubble .text", { hasText: text }).last().waitFor();
  }

  note(text) {
    return this.page.locator(".note", { hasText: text }).last().waitFor();
  }

  phase(...names) {
    return this.page.locator(names.map((name) => `#chip[data-phase=${name}]`).join()).waitFor();
  }

  /** Waits until exactly these people are here, in any order. */
  async people(...names) {
    const list = this.page.locator("#names");
    for (const name of names) {
      await list.locator("bdi").getByText(name, { exact: true }).waitFor({ state: "attached" });
    }
    await this.page.locator(`#names:has(li:nth-child(${names.length}):last-child)`).waitFor({ state: "attached" });
  }

  texts() {
    return this.page.locator("#lines .bubble .text").allTextContents();
  }

  shot(name) {
    return this.page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
  }

  /** Leaves, and has nothing to complain of. */
  async leave() {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }
}

// Milliseconds: the time in which something has to have happened, never a time that is waited for.
const PATIENCE = 20_000;

const SCREENSHOTS = new URL("../../target/chat-screenshots", import.meta.url).pathname;

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
