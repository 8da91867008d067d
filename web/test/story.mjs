// Runs one story: node test/story.mjs stories/NAME.mjs. Ends with an error at the
// first thing that is not as it should be.
import { close } from "./rig.mjs";

const { default: story } = await import(`./${process.argv[2]}`);
try {
  await story();
} finally {
  await close();
}
