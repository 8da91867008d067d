// server: demo
// Every place as it is on a desk.
import { walk } from "../places.mjs";

export default () => walk(1280);
