import { create } from "zustand";

export type Theme = "system" | "light" | "dark";
const key = "threatloop.theme";

function stored(): Theme {
  try {
    const t = localStorage.getItem(key);
    return t === "light" || t === "dark" ? t : "system";
  } catch {
    return "system";
  }
}

/** The theme: the system's unless a person chose one on this machine. */
export const useTheme = create<{ theme: Theme; set: (t: Theme) => void }>((set) => ({
  theme: "system",
  set: (theme) => {
    try {
      localStorage.setItem(key, theme);
    } catch {
      // Without storage it holds until the page is closed.
    }
    apply(theme);
    set({ theme });
  },
}));

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** startTheme shows the chosen theme before anything is drawn. */
export function startTheme(): void {
  const theme = stored();
  apply(theme);
  useTheme.setState({ theme });
}
