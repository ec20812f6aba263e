// The player, the transcript and the marked moments of a call move together, on every page that shows one.

import { notify } from "./app.js";
import { openPlayer } from "./call_player.js";
import { openTranscript } from "./call_transcript.js";

const STEP = 3; // seconds
const BIG_STEP = 10;

/** Moments that "g" goes through, in order of time. */
function markedMoments() {
  const marked = [...document.querySelectorAll(".moment[data-seek]")].map((moment) => Number(moment.dataset.seek));
  return [...new Set(marked)].sort((a, b) => a - b);
}

function nextMoment(now) {
  const moments = markedMoments();
  return moments.find((moment) => moment > now + 0.3) ?? moments[0];
}

/** Whether a key press belongs to a form field or a button rather than to the page. */
export function isTyping(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  return event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable], dialog") !== null;
}

/** Whether the space bar belongs to a focused button, link or switch. */
function isPressing(event) {
  return event.target.closest("button, a, summary, [role=button], input[type=checkbox]") !== null;
}

function listenToKeys(call, more) {
  const keys = {
    " ": () => call.player?.toggle(),
    ArrowLeft: (event) => call.player?.skip(event.shiftKey ? -BIG_STEP : -STEP),
    ArrowRight: (event) => call.player?.skip(event.shiftKey ? BIG_STEP : STEP),
    "[": () => call.player?.changeSpeed(-1),
    "]": () => call.player?.changeSpeed(1),
    l: () => call.player?.loop(),
    g: () => call.player && call.goTo(nextMoment(call.player.now())),
    "/": () => call.transcript?.focusSearch(),
    ...more,
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || isTyping(event) || (event.key === " " && isPressing(event))) return;
    event.preventDefault();
    act(event);
  });
}

function listenToClicks(call) {
  document.addEventListener("click", (event) => {
    const word = event.target.closest(".w");
    const button = event.target.closest("[data-seek]");
    if (word && window.getSelection().isCollapsed) call.goTo(Number(word.dataset.s));
    else if (button) call.playFrom(Number(button.dataset.seek));
  });
  document.addEventListener("keydown", (event) => {
    const moment = event.target.closest("svg[data-seek]");
    if (!moment || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    call.playFrom(Number(moment.dataset.seek));
  });
}

/** Open the call of `page`; `keys` are further keys of the page, by name. */
export async function openCall(page, keys = {}) {
  const call = {
    player: null,
    transcript: openTranscript(page.querySelector("[data-transcript]")),
    goTo(seconds) {
      if (!Number.isFinite(seconds)) return;
      call.player?.seek(seconds);
      call.transcript?.show(seconds);
    },
    playFrom(seconds) {
      call.goTo(seconds);
      call.player?.play();
    },
  };
  listenToClicks(call);
  listenToKeys(call, keys);
  const moved = (now) => call.transcript?.light(now);
  call.player = await openPlayer(page.querySelector("[data-player]"), { moved, failed: notify });

  const asked = Number(new URLSearchParams(window.location.search).get("at"));
  if (asked > 0) call.goTo(asked);
  page.dataset.ready = "";
  return call;
}
