// The page: who you are and where, the room's people, the composer. The socket is in connection.js and
// what was said in log.js; PROTOCOL.md says what goes over the wire.

import { Connection } from "./connection.js";
import { Log, avatar, element } from "./log.js";

const $ = (id) => document.getElementById(id);

// ---- You and the room ----------------------------------------------------------------------------

const me = { name: recall("name"), room: "", given: "", seat: "" };
let connection = null;

function enter(room, name) {
  const moved = room !== me.room;
  connection?.close();
  Object.assign(me, { room, name, given: name, seat: draw(4) });
  remember("name", name);
  remember("room", room);
  if (roomInAddress() !== room) history.replaceState(null, "", `#${encodeURIComponent(room)}`);
  $("room-name").textContent = room;
  if (moved) {
    unheard.length = 0;
    log.clear();
    showPeople([]);
  }
  showTitle();
  connection = new Connection(address, { onphase: showPhase, onframe: receive, onend: ended });
  if (matchMedia("(pointer: fine)").matches) $("text").focus();
}

function address() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const query = new URLSearchParams({ room: me.room, name: me.name, seat: me.seat });
  return `${scheme}://${location.host}/socket?${query}`;
}

function receive(frame) {
  switch (frame.type) {
    case "welcome":
      me.given = frame.you;
      // Frames that were said before the connection broke may have arrived.
      frame.history.forEach(heard);
      log.catchUp(frame, ({ from, ref }) => from === frame.you || sent.has(ref));
      showPeople(frame.people);
      unheard.forEach((said) => connection.send(said));
      break;
    case "message":
      heard(frame);
      log.add(frame, frame.ref === undefined ? frame.from === me.given : sent.has(frame.ref));
      break;
    case "joined":
      showPeople([...people, frame.name]);
      log.note("joined", frame.name);
      break;
    case "left":
      showPeople(people.filter((name) => name !== frame.name));
      log.note("left", frame.name);
      break;
  }
}

function ended(code) {
  switch (code) {
    case 4000:
      connection.close();
      return ask({ room: "The server does not take this room. Pick another one." });
    case 4001:
      connection.close();
      return ask({ name: "The server does not take this name. Pick another one." });
    case 4002:
      unheard.length = 0;
      return showUnheard();
    case 4003:
      connection.close();
  }
}

// ---- Saying something ----------------------------------------------------------------------------

// What was said and has not come back, and the refs of all that was said here.
const unheard = [];
const sent = new Set();

function say() {
  const text = $("text").value.trim();
  if (text === "" || length(text) > TEXT_LIMIT) return;
  if (unheard.length >= UNHEARD_LIMIT) return toast("First what waits has to be sent.");
  const said = { type: "say", text, ref: draw(3) };
  unheard.push(said);
  sent.add(said.ref);
  connection.send(said);
  $("text").value = "";
  fit();
  log.toEnd();
  // What comes back at once is not worth a flicker.
  setTimeout(showUnheard, connection.open ? 400 : 0);
}

function heard({ ref }) {
  const index = unheard.findIndex((said) => said.ref === ref);
  if (index < 0) return;
  unheard.splice(index, 1);
  showUnheard();
}

function showUnheard() {
  log.showPending(unheard.map((said) => said.text));
}

function fit() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const left = TEXT_LIMIT - length(text.value.trim());
  $("left").textContent = left < 0 ? `${-left} too many` : left <= 200 ? `${left} left` : "";
  $("left").classList.toggle("over", left < 0);
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});
$("text").addEventListener("input", fit);
$("text").addEventListener("keydown", (event) => {
  // Enter that ends the composition of a syllable is the input method's. Safari ends the composition
  // before the key event, and tells by the key code alone.
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || composing) return;
  event.preventDefault();
  say();
});

// ---- The connection's state ----------------------------------------------------------------------

let ticking = null;

function showPhase({ name, until }) {
  $("chip").dataset.phase = name;
  // One word for all of a reconnection, so that a screen reader does not repeat every attempt of it.
  const again = name === "connecting" && connection?.attempts > 0;
  const word = PHASES[again ? "waiting" : name];
  if ($("chip-text").textContent !== word) $("chip-text").textContent = word;
  clearInterval(ticking);
  $("notice").hidden = name !== "waiting" && name !== "closed";
  $("retry").textContent = name === "closed" ? "Come back" : "Try now";
  if (name === "closed") $("notice-text").textContent = "You are not in the room any more.";
  if (name !== "waiting") return;
  const tick = () => {
    const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    const what = navigator.onLine ? "The connection is lost." : "Your device is offline.";
    $("notice-text").textContent = `${what} Next try in\u00a0${seconds}\u00a0s.`;
  };
  tick();
  ticking = setInterval(tick, 1000);
}

$("retry").addEventListener("click", () => {
  if (connection.phase === "closed") enter(me.room, me.name);
  else connection.retry();
  $("text").focus();
});

// ---- People --------------------------------------------------------------------------------------

let people = [];

function showPeople(names) {
  people = names;
  for (const count of document.querySelectorAll(".people-count")) count.textContent = names.length;
  $("names").replaceChildren(
    ...names.map((name) => {
      const item = element("li");
      item.append(avatar(name), element("bdi", "", name));
      if (name === me.given) item.append(element("span", "you", "you"));
      return item;
    }),
  );
}

// On a narrow screen the list is a drawer; while it is open, nothing else can be reached.
const narrow = matchMedia("(max-width: 760px)");

function drawer(open) {
  $("people").classList.toggle("open", open);
  $("people").inert = narrow.matches && !open;
  $("room").inert = open;
  $("veil").hidden = !open;
  $("people-open").setAttribute("aria-expanded", String(open));
}

function closeDrawer() {
  if (!$("people").classList.contains("open")) return;
  drawer(false);
  $("people-open").focus();
}

$("people-open").addEventListener("click", () => {
  drawer(true);
  $("people-close").focus();
});
$("people-close").addEventListener("click", closeDrawer);
$("veil").addEventListener("click", closeDrawer);
document.addEventListener("keydown", ({ key }) => key === "Escape" && closeDrawer());
narrow.addEventListener("change", () => drawer(false));

for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      toast("The link is copied.");
    } catch {
      toast(location.href);
    }
  });
}

// ---- The form ------------------------------------------------------------------------------------

function ask({ name = "", room = "" } = {}) {
  $("name").value = me.name;
  $("place").value = me.room || roomInAddress() || recall("room") || "lobby";
  wrong("name", name);
  wrong("place", room);
  $("join-cancel").hidden = !connection || connection.phase === "closed";
  if (!$("join").open) $("join").showModal();
  const first = room ? $("place") : $("name");
  first.focus();
  first.select();
}

function wrong(id, text) {
  $(`${id}-wrong`).textContent = text;
  $(id).setAttribute("aria-invalid", String(text !== ""));
}

$("switch").addEventListener("click", () => ask());
$("join-cancel").addEventListener("click", () => $("join").close());
$("join").addEventListener("cancel", (event) => $("join-cancel").hidden && event.preventDefault());
$("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = clean($("name").value);
  const room = clean($("place").value);
  wrong("name", fault(name, "name"));
  wrong("place", fault(room, "room"));
  const bad = fault(name, "name") ? $("name") : fault(room, "room") ? $("place") : null;
  if (bad) return bad.focus();
  $("join").close();
  const stays = room === me.room && name === me.name && connection && connection.phase !== "closed";
  if (!stays) enter(room, name);
});

function clean(value) {
  return value.normalize("NFC").replace(/[\s\p{Cc}]+/gu, " ").trim();
}

function fault(value, what) {
  if (value === "") return `Please give a ${what}.`;
  return length(value) > NAME_LIMIT ? `At most ${NAME_LIMIT} characters, please.` : "";
}

// ---- The address, the title, what is remembered --------------------------------------------------

function roomInAddress() {
  try {
    return clean(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return "";
  }
}

let unread = 0;

function showTitle() {
  document.title = `${unread ? `(${unread}) ` : ""}${me.room || "Chat"}`;
}

let toastTimer = null;

function toast(text) {
  $("toast").textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ($("toast").textContent = ""), 4000);
}

// Storage may be forbidden; the page then asks again at every visit.
function recall(key) {
  try {
    return localStorage.getItem(`chat.${key}`) ?? "";
  } catch {
    return "";
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`chat.${key}`, value);
  } catch {
    // Nothing depends on it.
  }
}

/** Something that nobody else has: so many random words of 32 bits, in digits. */
function draw(words) {
  return crypto.getRandomValues(new Uint32Array(words)).join("-");
}

// Characters as PROTOCOL.md counts them, where `length` counts half of an emoji.
function length(text) {
  return [...text].length;
}

addEventListener("hashchange", () => {
  const room = roomInAddress();
  if (me.name && room && room !== me.room && !fault(room, "room")) enter(room, me.name);
});

// ---- Theme and viewport --------------------------------------------------------------------------

function showTheme() {
  $("theme").setAttribute("aria-pressed", String(theme.dark()));
}

$("theme").addEventListener("click", () => theme.toggle());
document.addEventListener("themechange", showTheme);

// Safari lays its keyboard over the page instead of making it smaller.
function fitViewport() {
  const { height, offsetTop, scale } = visualViewport;
  if (scale !== 1) return;
  document.documentElement.style.setProperty("--height", `${height}px`);
  document.documentElement.style.setProperty("--top", `${offsetTop}px`);
}

visualViewport.addEventListener("resize", fitViewport);
visualViewport.addEventListener("scroll", fitViewport);

// ---- Limits and words ----------------------------------------------------------------------------

const NAME_LIMIT = 32;
const TEXT_LIMIT = 2_000;
const UNHEARD_LIMIT = 20;
const PHASES = { connecting: "Connecting", open: "Connected", waiting: "Reconnecting", closed: "Not connected" };

const log = new Log({
  scroll: $("scroll"),
  lines: $("lines"),
  pending: $("pending"),
  empty: $("empty"),
  jump: $("jump"),
  jumpText: $("jump-text"),
  onunread(count) {
    unread = count;
    showTitle();
  },
});

drawer(false);
showTheme();
fitViewport();
const room = roomInAddress() || recall("room");
if (me.name && room && !fault(me.name, "name") && !fault(room, "room")) enter(room, me.name);
else ask();
