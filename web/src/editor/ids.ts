import type { Kind } from "./types";

const prefix: Record<Kind, string> = {
  components: "cmp_",
  flows: "flw_",
  zones: "zon_",
  curves: "crv_",
  texts: "txt_",
  diagrams: "dia_",
  assets: "ast_",
};
const letters = "0123456789abcdefghijklmnopqrstuvwxyz";

/** newId is an id that nobody else draws: 20 random characters behind what the element is. */
export function newId(kind: Kind): string {
  let s = "";
  while (s.length < 20) {
    // 252 is the largest multiple of 36 in a byte: what is above would favour some letters.
    for (const b of crypto.getRandomValues(new Uint8Array(32))) if (b < 252 && s.length < 20) s += letters[b % 36];
  }
  return prefix[kind] + s;
}
