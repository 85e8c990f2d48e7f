/** All styles of the card, the general ones first. */
import { controls, dialogs } from "./styles/controls.js";
import { layout, motion, tones } from "./styles/layout.js";
import { chart, parts } from "./styles/parts.js";

export const styles = [tones, layout, parts, chart, controls, dialogs, motion];
