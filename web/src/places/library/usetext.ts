import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, match, ok, Problem } from "../../api/client";
import { keys } from "../../api/query";
import { type Entry, entryQuery } from "./data";

/**
 * useText holds the text of an entry while a person writes. It is stored in the
 * draft a moment after the last key and when the place is left. What somebody else
 * stored meanwhile is shown beside it, and neither is lost.
 */
export function useText(e: Entry) {
  const cache = useQueryClient();
  const [value, setValue] = useState(e.text);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>();
  const [clash, setClash] = useState<Entry>();
  /** What the value was written upon. */
  const state = useRef({ value: e.text, stored: e.text, version: e.version, running: false, clash: false });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const s = state.current;

  // What others stored is taken over where nothing of one's own waits.
  useEffect(() => {
    const st = state.current;
    if (e.version === st.version && e.text === st.stored) return;
    if (st.running) return;
    if (st.value === st.stored) {
      Object.assign(st, { value: e.text, stored: e.text, version: e.version });
      setValue(e.text);
    } else if (e.version !== st.version) {
      st.clash = true;
      setClash(e);
    }
  }, [e]);

  const save = useCallback(async () => {
    const st = state.current;
    clearTimeout(timer.current);
    if (st.running || st.clash || st.value === st.stored) return;
    const sent = st.value;
    st.running = true;
    setSaving(true);
    try {
      const path = { kind: e.kind, ref: e.ref };
      const header = st.version === undefined ? { "If-None-Match": "*" } : match(st.version);
      const now = await ok(api.PUT("/library/entries/{kind}/{ref}", { params: { path, header }, body: { text: sent } }));
      Object.assign(st, { stored: sent, version: now.version });
      setError(undefined);
      cache.setQueryData(entryQuery(e.kind, e.ref).queryKey, now);
      void cache.invalidateQueries({ queryKey: keys.instance("library", "draft") });
      void cache.invalidateQueries({ queryKey: keys.instance("library", "entries") });
    } catch (err) {
      setError(err);
      if (err instanceof Problem && (err.status === 412 || err.status === 409)) {
        const theirs = await cache.fetchQuery({ ...entryQuery(e.kind, e.ref), staleTime: 0 });
        st.clash = true;
        setClash(theirs);
      } else if (err instanceof Problem && err.status === 0) timer.current = setTimeout(() => void save(), 3000);
    } finally {
      st.running = false;
      setSaving(false);
    }
    if (state.current.value !== sent) void save();
  }, [cache, e.kind, e.ref]);

  useEffect(
    () => () => {
      clearTimeout(timer.current);
      void save();
    },
    [save],
  );

  const write = (text: string) => {
    s.value = text;
    setValue(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void save(), 700);
  };
  const settled = (text: string) => {
    if (!clash) return;
    Object.assign(s, { stored: clash.text, version: clash.version, clash: false, value: text });
    setValue(text);
    setClash(undefined);
    setError(undefined);
  };
  return {
    value,
    write,
    save: () => void save(),
    saving,
    error,
    clash,
    dirty: value !== s.stored,
    mine: () => {
      settled(s.value);
      void save();
    },
    theirs: () => clash && settled(clash.text),
  };
}
