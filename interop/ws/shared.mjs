// What the client and the server have in common.

/** How a variant of compression is called in `ws`. */
export function options(variant) {
  const perMessageDeflate = {
    none: false,
    default: { threshold: 0 },
    "no-takeover": { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
    "window-10": { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
  }[variant];
  if (perMessageDeflate === undefined) {
    throw new Error(`no variant ${variant}`);
  }
  return { perMessageDeflate };
}

/** Text and binary messages of 0 bytes to 1 MiB, at the borders of the forms of a frame's length. */
export function* messages() {
  const sizes = [0, 1, 125, 126, 127, 4096, 65_535, 65_536, 1 << 20];
  for (const size of sizes) {
    yield "sockeye ".repeat(size / 8 + 1).slice(0, size);
    yield "연어가 돌아왔다 🐟 ".repeat(size / 26 + 1).slice(0, Math.floor(size / 3));
    yield noise(size);
  }
}

/** Codes and reasons to close with. */
export const reasons = [
  [undefined, undefined],
  [1000, ""],
  [1000, "안녕히"],
  [1001, "leaving"],
  [1011, "a reason"],
  [3000, "a library's"],
  [4999, "가".repeat(41)],
];

/** Bytes that do not compress. */
function noise(size) {
  const bytes = new Uint8Array(size);
  let state = 0x9e3779b9;
  for (let index = 0; index < size; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return bytes;
}
