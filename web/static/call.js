// The page of one call.

import { openCall } from "./call_moves.js";

openCall(document.querySelector("[data-call]"));
