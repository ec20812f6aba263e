// The page of one call: the player, the transcript and the marks move together.

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

/** Whether a key press belongs to a form field or a button rather than to the player. */
function isTyping(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  return event.target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** Keys that a focused button or link takes for itself. */
function isPressing(event) {
  return event.target.closest("button, a, summary, [role=button]") !== null;
}

function listenToKeys(player, transcript, goTo) {
  const keys = {
    " ": () => player?.toggle(),
    ArrowLeft: (event) => player?.skip(event.shiftKey ? -BIG_STEP : -STEP),
    ArrowRight: (event) => player?.skip(event.shiftKey ? BIG_STEP : STEP),
    "[": () => player?.changeSpeed(-1),
    "]": () => player?.changeSpeed(1),
    g: () => player && goTo(nextMoment(player.now())),
    "/": () => transcript?.focusSearch(),
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || isTyping(event) || (event.key === " " && isPressing(event))) return;
    event.preventDefault();
    act(event);
  });
}

function listenToClicks(goTo, playFrom) {
  document.addEventListener("click", (event) => {
    const word = event.target.closest(".w");
    const button = event.target.closest("[data-seek]");
    if (word && window.getSelection().isCollapsed) goTo(Number(word.dataset.s));
    else if (button) playFrom(Number(button.dataset.seek));
  });
  document.addEventListener("keydown", (event) => {
    const moment = event.target.closest("svg[data-seek]");
    if (!moment || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    playFrom(Number(moment.dataset.seek));
  });
}

async function start() {
  const page = document.querySelector("[data-call]");
  const transcript = openTranscript(page.querySelector("[data-transcript]"));
  const player = await openPlayer(page.querySelector("[data-player]"), { moved: (now) => transcript?.light(now), failed: notify });

  const goTo = (seconds) => {
    if (!Number.isFinite(seconds)) return;
    player?.seek(seconds);
    transcript?.show(seconds);
  };
  const playFrom = (seconds) => {
    goTo(seconds);
    player?.play();
  };
  listenToClicks(goTo, playFrom);
  listenToKeys(player, transcript, goTo);

  const asked = Number(new URLSearchParams(window.location.search).get("at"));
  if (asked > 0) goTo(asked);
  page.dataset.ready = "";
}

start();
