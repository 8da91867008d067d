// server: demo
// Every place as it is on a phone.
import { walk } from "../places.mjs";

export default () => walk(390);
