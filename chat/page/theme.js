// Light or dark. This one runs before the first paint, so that a chosen theme does not flash; the
// choice is kept only while it differs from what the system asks for.
"use strict";

const theme = {
  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : theme.system.matches;
  },

  toggle() {
    const dark = !theme.dark();
    theme.choose(dark === theme.system.matches ? "" : dark ? "dark" : "light");
    try {
      localStorage.setItem("chat.theme", document.documentElement.dataset.theme);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  },

  choose(name) {
    document.documentElement.dataset.theme = name;
    document.querySelector('meta[name="theme-color"]').content = theme.dark() ? "#182024" : "#fffdfa";
    document.dispatchEvent(new Event("themechange"));
  },

  system: matchMedia("(prefers-color-scheme: dark)"),
};

try {
  theme.choose(localStorage.getItem("chat.theme") ?? "");
} catch {
  theme.choose("");
}
theme.system.addEventListener("change", () => theme.choose(document.documentElement.dataset.theme));
