// The chat in a real browser, against a real server. README.md says how to run it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { closeBrowser, launchBrowser, leave, open, visit } from "./guests.mjs";
import { server } from "./server.mjs";

before(async () => {
  await server.start();
  await launchBrowser();
});

after(async () => {
  await closeBrowser();
  await server.stop();
});

test("two people talk in Korean and emoji, and one sees the other leave", async () => {
  const mina = await visit("mina-and-jonas", "미나");
  await mina.page.getByRole("heading", { name: "It is quiet here" }).waitFor();
  const jonas = await visit("mina-and-jonas", "Jonas");

  await mina.note("Jonas joined");
  await mina.people("미나", "Jonas");
  await jonas.people("미나", "Jonas");

  await mina.say("안녕하세요! 연어는 어디로 갔어요? 🐟");
  await jonas.hears("안녕하세요! 연어는 어디로 갔어요? 🐟");
  await jonas.say("👩‍👩‍👧‍👦🇰🇷");
  await mina.hears("👩‍👩‍👧‍👦🇰🇷");
  await mina.page.locator(".bubble.emoji", { hasText: "🇰🇷" }).waitFor();
  await mina.page.locator(".mine .bubble", { hasText: "연어는" }).waitFor();

  await jonas.leave();
  await mina.note("Jonas left");
  await mina.people("미나");
  await mina.leave();
});

test("text is text, whatever it looks like", async () => {
  const mina = await visit("markup", "<b>Mina</b>");
  const jonas = await visit("markup", "Jonas");
  await mina.say("<img src=x onerror=alert(1)> & <script>alert(2)</script>");
  await jonas.hears("<img src=x onerror=alert(1)> & <script>alert(2)</script>");
  assert.equal(await jonas.page.locator("#lines img, #lines script, #lines b").count(), 0);
  await mina.say("two\nlines");
  await jonas.hears("two\nlines");
  await leave(mina, jonas);
});

test("a restart of the server brings everybody back by themselves", async () => {
  const mina = await visit("restart", "Mina");
  const jonas = await visit("restart", "Jonas");
  await mina.say("before");
  await jonas.hears("before");

  await server.stop();
  for (const guest of [mina, jonas]) await guest.phase("waiting", "connecting");
  await mina.page.locator("#notice", { hasText: "Next try in" }).waitFor();
  await mina.say("meanwhile");
  await mina.page.locator("#pending .bubble", { hasText: "meanwhile" }).waitFor();

  await server.restart();
  for (const guest of [mina, jonas]) {
    await guest.phase("open");
    await guest.note("The server has started afresh.");
    await guest.hears("before");
  }
  await mina.people("Mina", "Jonas");
  // Whoever is back first, what was said meanwhile arrives once: in the history or live.
  await jonas.hears("meanwhile");
  await jonas.say("다시 왔어요 👋");
  for (const guest of [mina, jonas]) await guest.hears("다시 왔어요 👋");
  assert.deepEqual(await mina.texts(), ["before", "meanwhile", "다시 왔어요 👋"]);
  assert.deepEqual(await jonas.texts(), ["before", "meanwhile", "다시 왔어요 👋"]);
  await leave(mina, jonas);
});

test("a page that comes online or becomes visible does not wait", async () => {
  const mina = await visit("awake", "Mina");
  // From here on the page's own clock stands still, and no wait ends by itself.
  await mina.page.clock.install();
  await mina.page.clock.pauseAt(Date.now() + 60_000);
  for (const event of ["online", "visibilitychange"]) {
    await server.stop();
    await mina.phase("waiting");
    await server.restart();
    await mina.page.evaluate((event) => (event === "online" ? window : document).dispatchEvent(new Event(event)), event);
    await mina.phase("open");
  }
  await mina.leave();
});

test("a latecomer reads what was said, the last hundred messages of it", async () => {
  const mina = await visit("late", "Mina");
  for (let i = 1; i <= 103; i++) await mina.say(`number ${i}.`);
  await mina.hears("number 103.");
  const late = await visit("late", "지훈");
  await late.hears("number 103.");
  const texts = await late.texts();
  assert.equal(texts.length, 100);
  assert.equal(texts[0], "number 4.");
  // It begins at the end.
  assert.equal(await late.page.locator("#jump").isVisible(), false);
  await leave(mina, late);
});

test("a name that is taken gets a number", async () => {
  const first = await visit("names", "Mina");
  const second = await visit("names", "Mina");
  await second.people("Mina", "Mina 2");
  await second.page.locator("#names li", { hasText: "Mina 2" }).locator(".you").waitFor();
  await second.say("which one?");
  await first.page.locator(".group:not(.mine)", { hasText: "Mina 2" }).waitFor();
  await second.page.locator(".group.mine", { hasText: "which one?" }).waitFor();
  await leave(first, second);
});

test("a page takes back its seat before the server has missed it", async () => {
  const mina = await visit("seats", "Mina");
  const other = await visit("seats", "Jonas");
  const ends = await other.page.evaluate(async () => {
    const join = () => new WebSocket(`ws://${location.host}/socket?room=seats&name=Roamer&seat=a-b-c`);
    const welcome = (socket) => new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(JSON.parse(data))));
    const first = join();
    const closed = new Promise((resolve) => (first.onclose = ({ code }) => resolve(code)));
    await welcome(first);
    const second = join();
    const { you, people } = await welcome(second);
    const code = await closed;
    second.close();
    return { code, you, people };
  });
  assert.deepEqual(ends, { code: 4003, you: "Roamer", people: ["Mina", "Jonas", "Roamer"] });
  await mina.note("Roamer left");
  assert.equal(await mina.page.locator(".note", { hasText: "Roamer joined" }).count(), 1);
  assert.equal(await mina.page.locator(".note", { hasText: "Roamer left" }).count(), 1);
  await leave(mina, other);
});

test("the server refuses what is no room, no name, no message", async () => {
  const mina = await visit("refusals", "Mina");
  const codes = await mina.page.evaluate(async () => {
    const end = (query, first) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://${location.host}/socket?${new URLSearchParams(query)}`);
        socket.onopen = () => first && socket.send(first);
        socket.onclose = ({ code }) => resolve(code);
      });
    const long = "🐟".repeat(33);
    const say = (text) => JSON.stringify({ type: "say", text });
    return [
      await end({ room: "", name: "x" }),
      await end({ room: long, name: "x" }),
      await end({ room: "refusals", name: " x" }),
      await end({ room: "refusals", name: "a\u0007" }),
      await end({ room: "refusals" }),
      await end({ room: "elsewhere", name: "x" }, "no object"),
      await end({ room: "elsewhere", name: "x" }, say(" \n")),
      await end({ room: "elsewhere", name: "x" }, say("가".repeat(2001))),
    ];
  });
  assert.deepEqual(codes, [4000, 4000, 4001, 4001, 4001, 4002, 4002, 4002]);
  await mina.say("🐟".repeat(2000));
  await mina.page.locator(".mine .bubble").waitFor();
  await mina.leave();
});

test("Enter that ends a composition sends nothing", async () => {
  const mina = await visit("ime", "미나");
  const text = mina.page.getByLabel("Message", { exact: true });
  const input = await mina.context.newCDPSession(mina.page);
  const prevented = () =>
    text.evaluate((element) => {
      const event = new KeyboardEvent("keydown", { key: "Enter", isComposing: true, cancelable: true, bubbles: true });
      return !element.dispatchEvent(event);
    });

  await text.focus();
  await input.send("Input.imeSetComposition", { text: "한", selectionStart: 1, selectionEnd: 1 });
  assert.equal(await prevented(), false);
  await mina.page.keyboard.press("Enter");
  assert.equal(await mina.page.locator(".bubble").count(), 0);
  assert.match(await text.inputValue(), /^한/);

  await text.fill("");
  await input.send("Input.insertText", { text: "한글" });
  await mina.page.keyboard.press("Shift+Enter");
  await mina.page.keyboard.insertText("두 줄");
  await mina.page.keyboard.press("Enter");
  await mina.hears("한글\n두 줄");
  assert.equal(await text.inputValue(), "");
  await mina.leave();
});

test("everything can be done by keyboard", async () => {
  const mina = await open("keyboard");
  const { page } = mina;
  const press = (...keys) => keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
  const focused = (name) => page.locator(`${name}:focus`).waitFor();

  // The form cannot be left without a name, and says so.
  await focused("#name");
  await press("Escape", "Enter");
  await page.getByText("Please give a name.").waitFor();
  await focused("#name");
  await page.keyboard.type("Mina");
  await press("Enter");
  await focused("#text");
  await page.keyboard.type("typed");
  await press("Enter");
  await page.locator(".bubble", { hasText: "typed" }).waitFor();

  // All that can be reached, in the order of the page, with a visible focus.
  await page.evaluate(() => document.activeElement.blur());
  await page.locator("#switch").focus();
  const order = ["switch", "theme", "scroll", "text", "send", "names", "copy"];
  const seen = [];
  for (const _ of order) {
    seen.push(
      await page.evaluate(() => {
        const { id, className } = document.activeElement;
        return id || className.split(" ").at(-1);
      }),
    );
    const outline = await page.evaluate(() => {
      const element = document.activeElement;
      return getComputedStyle(element.id === "text" ? element.form : element)[
        element.id === "text" ? "boxShadow" : "outlineStyle"
      ];
    });
    assert.notEqual(outline, "none", `the focus on ${seen.at(-1)} is visible`);
    await press("Tab");
  }
  assert.deepEqual(seen, order);

  // Another room, and out of the form again.
  await page.locator("#switch").focus();
  await press("Enter");
  await focused("#name");
  await press("Escape");
  await focused("#switch");
  await press("Enter", "Tab");
  await focused("#place");
  await page.keyboard.type("다른 방");
  await press("Enter");
  await page.locator("#room-name", { hasText: "다른 방" }).waitFor();
  assert.equal(decodeURIComponent(new URL(page.url()).hash), "#다른 방");
  assert.equal(await page.locator(".bubble").count(), 0);
  await page.locator("[role=log][aria-live=polite]").waitFor({ state: "attached" });
  await mina.leave();
});

test("a link leads into its room, and the name is remembered", async () => {
  const mina = await visit("remembered", "Mina");
  await mina.page.reload();
  await mina.phase("open");
  await mina.people("Mina");

  // Another name in the same room is a new seat, and no reconnection into the old one.
  await mina.page.locator("#switch").click();
  await mina.page.getByLabel("Your name").fill("Nina");
  await mina.page.getByRole("button", { name: "Join the room" }).click();
  await mina.people("Nina");

  await mina.page.goto(`${server.url}#elsewhere`);
  await mina.page.locator("#room-name", { hasText: "elsewhere" }).waitFor();
  await mina.phase("open");
  await mina.leave();
});

test("whoever reads further up is told of what is new", async () => {
  const mina = await visit("unread", "Mina", { viewport: { width: 900, height: 500 } });
  const jonas = await visit("unread", "Jonas");
  for (let i = 1; i <= 30; i++) await jonas.say(`line ${i}.`);
  await mina.hears("line 30.");
  await mina.page.locator("#scroll").evaluate((element) => (element.scrollTop = 0));
  await mina.page.getByRole("button", { name: "To the newest" }).waitFor();
  await jonas.say("are you there?");
  const jump = mina.page.getByRole("button", { name: "1 new message" });
  await jump.waitFor();
  assert.equal(await mina.page.title(), "(1) unread");
  await mina.page.locator(".mark-new").waitFor();
  await jump.click();
  await mina.page.locator("#jump").waitFor({ state: "hidden" });
  assert.equal(await mina.page.title(), "unread");
  await leave(mina, jonas);
});

test("a phone, from 320 pixels up", async () => {
  const phone = await visit("phone", "미나", { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true });
  const jonas = await visit("phone", "Jonas");
  await jonas.say("Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen".repeat(3));
  await phone.hears("mützenabzeichen");
  const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 320);
  assert.equal(await phone.page.locator("#scroll").evaluate((element) => element.scrollWidth - element.clientWidth), 0);
  const { width: wide, height: high } = await phone.page.locator("#people-open").boundingBox();
  assert.ok(wide >= 44 && high >= 44);

  await phone.page.locator("#people-open").tap();
  await phone.page.locator("#people.open").getByText("Jonas").waitFor();
  await phone.page.locator("#people-close:focus").waitFor();
  await phone.page.keyboard.press("Escape");
  await phone.page.locator("#people").waitFor({ state: "hidden" });
  await phone.page.locator("#people-open:focus").waitFor();
  await leave(phone, jonas);
});

test("light and dark follow the system until somebody chooses", async () => {
  const mina = await visit("theme", "Mina", { colorScheme: "dark" });
  const light = () => mina.page.locator("#app").evaluate((element) => {
    const [red] = getComputedStyle(element).backgroundColor.match(/\d+/g);
    return Number(red) > 128;
  });
  const button = mina.page.getByRole("button", { name: "Dark mode" });
  assert.equal(await light(), false);
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  await button.click();
  assert.equal(await light(), true);
  await mina.page.reload();
  assert.equal(await light(), true);
  await button.click();
  assert.equal(await light(), false);
  await mina.page.emulateMedia({ colorScheme: "light" });
  assert.equal(await light(), true);
  await mina.leave();
});

test("screenshots", async () => {
  const conversation = [
    ["seoyeon", "좋은 아침이에요! 오늘 강에 연어가 올라왔대요 🐟"],
    ["seoyeon", "내일 같이 보러 갈까요?"],
    ["jonas", "Good morning! I read about it too: the first sockeye of the year."],
    ["jonas", "What did they say, how many?"],
    ["amira", "Two thousand at the weir since Monday, and the water is still rising. The ranger says that the best place is the old bridge, before ten, with the sun behind you."],
    ["amira", "🎉🎉"],
    ["seoyeon", "와, 정말 많네요! 그럼 아침 아홉 시, 옛날 다리에서 만나요. 김밥은 제가 싸 갈게요."],
    ["jonas", "I bring coffee ☕ and the good binoculars"],
    ["amira", "최고예요 👏 I am learning: 연어 = salmon, 강 = river, 김밥 = breakfast?"],
    ["seoyeon", "😂"],
  ];

  const desktop = { viewport: { width: 1180, height: 840 }, deviceScaleFactor: 2 };
  const handset = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, hasTouch: true, isMobile: true };
  const door = await open("강-river", desktop);
  await door.page.locator("#name").fill("서연");
  await door.shot("join");
  await door.leave();

  const seoyeon = await visit("강-river", "서연", desktop);
  await seoyeon.shot("empty");
  const jonas = await visit("강-river", "Jonas", handset);
  const amira = await visit("강-river", "Amira", { ...desktop, colorScheme: "dark" });
  const guests = { seoyeon, jonas, amira };
  for (const [who, text] of conversation) {
    await guests[who].say(text);
    for (const guest of Object.values(guests)) await guest.hears(text);
  }
  const minsu = await visit("강-river", "민수", { ...handset, colorScheme: "dark" });
  for (const guest of Object.values(guests)) await guest.note("민수 joined");
  await minsu.say("늦어서 미안해요! 사진은 제가 찍을게요 📸");
  await seoyeon.hears("📸");
  await seoyeon.say("완벽해요. 그럼 아홉 시에 봐요!");
  for (const guest of [jonas, amira, minsu]) await guest.hears("아홉 시에 봐요!");

  await seoyeon.page.locator("#text").blur();
  await seoyeon.shot("desktop-light");
  await amira.page.locator("#text").fill("See you all tomorrow ");
  await amira.shot("desktop-dark");
  await jonas.shot("phone-light");
  await minsu.shot("phone-dark");
  await jonas.page.locator("#people-open").tap();
  await jonas.page.locator("#people.open").waitFor();
  await jonas.page.locator("#people").evaluate((element) =>
    Promise.all(element.getAnimations().map((animation) => animation.finished)),
  );
  await jonas.shot("phone-people");
  await jonas.page.keyboard.press("Escape");

  await server.stop();
  await seoyeon.phase("waiting");
  await seoyeon.say("들려요?");
  await seoyeon.page.locator("#notice").waitFor();
  await seoyeon.shot("desktop-lost");
  await jonas.phase("waiting");
  await jonas.shot("phone-lost");
  await server.restart();
  await leave(seoyeon, jonas, amira, minsu);
});
