/**
 * arrive takes the focus to the heading of the place that somebody has just been brought to, where what they
 * pressed is gone with the place or dialog that it stood in. Whoever has gone on meanwhile is left alone.
 */
export function arrive(): void {
  const end = performance.now() + 3000;
  const look = () => {
    const at = document.activeElement;
    if (at && at !== document.body && at.id !== "content" && !at.closest("[data-modal]")) return;
    const head = document.querySelector<HTMLElement>("#content h1");
    if (!head || document.querySelector("[data-modal]")) {
      if (performance.now() < end) requestAnimationFrame(look);
      return;
    }
    head.tabIndex = -1;
    head.style.outline = "none";
    head.focus({ preventScroll: true });
  };
  requestAnimationFrame(look);
}
