/** Line is one line of a comparison: in both texts, only in the old, or only in the new. */
export interface Line {
  what: "same" | "old" | "new";
  text: string;
}

/** compare tells line by line what became of a text: the longest common subsequence stays. */
export function compare(before: string, after: string): Line[] {
  const a = before.replace(/\n$/, "").split("\n");
  const b = after.replace(/\n$/, "").split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const x = a.slice(head, a.length - tail);
  const y = b.slice(head, b.length - tail);
  const middle: Line[] = [];
  if (x.length * y.length > 4_000_000) {
    // Two long texts with nothing in common at their ends: shown whole.
    for (const text of x) middle.push({ what: "old", text });
    for (const text of y) middle.push({ what: "new", text });
  } else {
    const width = y.length + 1;
    const long = new Uint32Array((x.length + 1) * width);
    for (let i = x.length - 1; i >= 0; i--)
      for (let j = y.length - 1; j >= 0; j--)
        long[i * width + j] = x[i] === y[j] ? long[(i + 1) * width + j + 1]! + 1 : Math.max(long[(i + 1) * width + j]!, long[i * width + j + 1]!);
    let i = 0;
    let j = 0;
    while (i < x.length || j < y.length) {
      if (i < x.length && j < y.length && x[i] === y[j]) {
        middle.push({ what: "same", text: x[i]! });
        i++;
        j++;
      } else if (i < x.length && (j >= y.length || long[(i + 1) * width + j]! >= long[i * width + j + 1]!))
        middle.push({ what: "old", text: x[i++]! });
      else middle.push({ what: "new", text: y[j++]! });
    }
  }
  const same = (text: string): Line => ({ what: "same", text });
  return [...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)];
}

/** hunks leaves out what stays the same further than around lines from a change; a number is that many lines left out. */
export function hunks(lines: Line[], around = 3): (Line | number)[] {
  const near = lines.map(() => false);
  lines.forEach((l, i) => {
    if (l.what !== "same") for (let k = Math.max(0, i - around); k <= Math.min(lines.length - 1, i + around); k++) near[k] = true;
  });
  const out: (Line | number)[] = [];
  lines.forEach((l, i) => {
    const last = out.at(-1);
    if (near[i]) out.push(l);
    else if (typeof last === "number") out[out.length - 1] = last + 1;
    else out.push(1);
  });
  return out;
}
