// Runs one story: node test/story.mjs stories/NAME.mjs. Ends with an error at the
// first thing that is not as it should be.
import { basename } from "node:path";
import { close, failed } from "./rig.mjs";

const { default: story } = await import(`./${process.argv[2]}`);
try {
  await story();
} catch (err) {
  await failed(basename(process.argv[2], ".mjs"));
  throw err;
} finally {
  await close();
}
