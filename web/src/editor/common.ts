/** common is the value that all have; undefined where they differ, and of none. */
export function common<T>(values: readonly T[]): T | undefined {
  return values.every((v) => JSON.stringify(v) === JSON.stringify(values[0])) ? values[0] : undefined;
}

/** everywhere lists what is in all lists, in the order of the first. */
export function everywhere(lists: readonly (readonly string[])[]): string[] {
  const [first, ...rest] = lists;
  return (first ?? []).filter((t) => rest.every((l) => l.includes(t)));
}

/** carried makes of one's own list what a person made of the list that all have: what they added and took out, and no more. */
export function carried(own: readonly string[], shown: readonly string[], next: readonly string[]): string[] {
  const left = own.filter((t) => next.includes(t) || !shown.includes(t));
  return [...left, ...next.filter((t) => !left.includes(t))];
}
