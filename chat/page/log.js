// What was said: messages in groups by sender, lines of the system, the mark before what is unread.
// Text goes into the page as text and in no other way.

export class Log {
  constructor({ scroll, lines, pending, empty, jump, jumpText, onunread }) {
    Object.assign(this, { scroll, lines, pending, empty, jump, jumpText, onunread });
    this.clear();
    scroll.addEventListener("scroll", () => this.#look(), { passive: true });
    document.addEventListener("visibilitychange", () => this.#look());
    jump.addEventListener("click", () => {
      this.toEnd();
      scroll.focus({ preventScroll: true });
    });
    // Whoever reads the end goes on reading the end when the keyboard of a phone or a long draft
    // takes room.
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(scroll);
  }

  /** Another room: nothing was said yet. */
  clear() {
    this.lines.replaceChildren();
    this.pending.replaceChildren();
    this.name = null;
    this.last = 0;
    this.count = 0;
    this.group = null;
    this.day = null;
    this.mark = null;
    this.unread = 0;
    this.atEnd = true;
    this.#show();
  }

  /** Brings the log up to date with a welcome; `own` says which messages are of this page. */
  catchUp({ log, history }, own) {
    const live = this.lines.parentElement;
    const first = this.name === null;
    // A history is not read out line by line.
    live.setAttribute("aria-busy", "true");
    if (log !== this.name) {
      if (this.count) this.note("The server has started afresh. What is above is on your screen only.");
      this.name = log;
      this.last = 0;
    } else if (history.length && history[0].id > this.last + 1) {
      this.note("Some messages are missing here.");
    }
    for (const message of history) this.add(message, own(message), { old: first });
    live.setAttribute("aria-busy", "false");
    if (first) this.toEnd();
  }

  /** Adds a message unless it is here already. */
  add(message, own, { old = false } = {}) {
    if (message.id <= this.last) return;
    this.last = message.id;
    const follow = this.atEnd || own;
    if (!old && !own && (document.hidden || !this.atEnd)) this.#markUnread();
    if (own) this.#unmark();
    this.#newDay(message.at);
    if (!this.#continues(message, own)) this.#beginGroup(message, own);
    this.group.at = message.at;
    this.group.element.lastElementChild.append(bubble(message, this.group.size > 0));
    this.group.size += 1;
    this.count += 1;
    this.#prune();
    this.#show();
    if (follow) this.toEnd();
  }

  /** A line of the system's own: who came, who left, what happened to the connection. */
  note(text, name) {
    const line = element("li", "note");
    if (name !== undefined) line.append(element("bdi", "", name), " ");
    line.append(text);
    this.#append(line);
  }

  /** Shows what was said and has not come back yet. */
  showPending(texts) {
    if (texts.length === 0 && this.pending.childElementCount === 0) return;
    const group = element("li", "group mine waiting");
    const body = element("div", "body");
    body.append(...texts.map((text) => bubble({ text }, false)), element("p", "fate", "Waiting to be sent"));
    group.append(body);
    this.pending.replaceChildren(...(texts.length ? [group] : []));
    this.#show();
    if (this.atEnd) this.toEnd();
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.atEnd = true;
    this.#look();
  }

  #append(line) {
    this.group = null;
    this.lines.append(line);
    this.#show();
    if (this.atEnd) this.toEnd();
  }

  #newDay(at) {
    const day = DAY.format(at);
    if (day === this.day) return;
    this.day = day;
    this.#append(element("li", "day", day === DAY.format(Date.now()) ? "Today" : day));
  }

  #continues({ from, at }, own) {
    const { group } = this;
    return group && group.from === from && group.own === own && at - group.at < SAME_BREATH;
  }

  #beginGroup({ from, at }, own) {
    const item = element("li", own ? "group mine" : "group");
    const body = element("div", "body");
    const by = element("p", "by");
    by.append(element("bdi", own ? "name hush" : "name", from), " ", clock(at));
    if (!own) item.append(avatar(from));
    body.append(by);
    item.append(body);
    item.style.setProperty("--hue", hue(from));
    this.lines.append(item);
    this.group = { element: item, from, own, at, size: 0 };
  }

  #markUnread() {
    if (this.unread === 0) {
      this.#unmark();
      this.mark = element("li", "mark-new", "New");
      this.#append(this.mark);
    }
    this.unread += 1;
  }

  #unmark() {
    if (!this.mark) return;
    this.mark.remove();
    this.mark = null;
    this.unread = 0;
  }

  /** Where the reader is, and what that makes of the unread messages. */
  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.atEnd && !document.hidden) this.unread = 0;
    this.#show();
  }

  #show() {
    this.empty.hidden = this.count > 0 || this.pending.childElementCount > 0;
    this.jump.hidden = this.atEnd;
    this.jumpText.textContent =
      this.unread === 0 ? "To the newest" : this.unread === 1 ? "1 new message" : `${this.unread} new messages`;
    this.jump.classList.toggle("unread", this.unread > 0);
    this.onunread(this.unread);
  }

  /** A tab that is open for a week does not keep the week. */
  #prune() {
    while (this.lines.childElementCount > KEPT) this.lines.firstElementChild.remove();
    while (this.group.size > KEPT) {
      this.group.element.querySelector(".bubble").remove();
      this.group.size -= 1;
    }
  }
}

/** A round sign for a person: the first character of the name on a colour of the name's own. */
export function avatar(name) {
  const [first] = SEGMENTS.segment(name);
  const sign = element("span", "avatar", first.segment.toLocaleUpperCase());
  sign.style.setProperty("--hue", hue(name));
  sign.setAttribute("aria-hidden", "true");
  return sign;
}

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function bubble({ from, text, at }, continues) {
  const made = element("div", ONLY_EMOJI.test(text) ? "bubble emoji" : "bubble");
  if (at) made.title = MOMENT.format(at);
  // Seen, the group says whose message this is; heard, every message has to.
  if (continues) made.append(element("span", "hush", `${from}: `));
  const words = element("span", "text", text);
  words.dir = "auto";
  made.append(words);
  return made;
}

function clock(at) {
  const made = element("time", "", CLOCK.format(at));
  made.dateTime = new Date(at).toISOString();
  return made;
}

function hue(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 997;
  return Math.round((hash * 137.5) % 360);
}

// One to six emoji and nothing else: pictographs with what modifies and joins them, or flags.
const ONLY_EMOJI =
  /^\s*(?:(?:\p{RI}\p{RI}|\p{Extended_Pictographic}(?:\uFE0F|\p{EMod}|\u200D\p{Extended_Pictographic}|[\u{E0020}-\u{E007F}])*)\s*){1,6}$/u;

const SEGMENTS = new Intl.Segmenter();
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const SAME_BREATH = 5 * 60_000;
const KEPT = 1_000;
const NEAR = 48;
