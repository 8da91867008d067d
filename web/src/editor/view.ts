import type { Box, Point } from "./types";

/** View is the window onto a drawing: what of it is seen, and how large. */
export interface View {
  /** The place in the drawing of a place on the screen. */
  toDrawing: (screen: Point) => Point;
  toScreen: (p: Point) => Point;
  zoom: () => number;
  /** What of the drawing is seen. */
  seen: () => Box;
  /** Shows a box, as large as it fits, moving there within some milliseconds. */
  fit: (b: Box, largest?: number, ms?: number) => void;
  /** Brings a box into sight, moving no further than needed. */
  reveal: (b: Box) => void;
  zoomTo: (zoom: number) => void;
  panBy: (dx: number, dy: number) => void;
  center: (p: Point) => void;
  focus: () => void;
  /** Where the pointer is over the canvas. */
  readonly pointer: Point | undefined;
}
