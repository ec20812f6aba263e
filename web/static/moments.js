// The page of a review or an appeal: every moment plays where it stands, and the player stays in sight.

import { notify } from "./app.js";
import { openPlayer } from "./call_player.js";

async function start() {
  const page = document.querySelector("[data-review]");
  const player = await openPlayer(document.querySelector("[data-player]"), { moved: () => {}, failed: notify });

  const playFrom = (seconds) => {
    if (!player || !Number.isFinite(seconds)) return;
    player.seek(Math.max(0, seconds - 0.3));
    player.play();
  };
  document.addEventListener("click", (event) => {
    const moment = event.target.closest("[data-seek]");
    if (moment) playFrom(Number(moment.dataset.seek));
  });
  document.addEventListener("keydown", (event) => {
    const moment = event.target.closest("svg[data-seek]");
    if (!moment || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    playFrom(Number(moment.dataset.seek));
  });
  // "Here": the moment at which the player stands, for the form that asks for one.
  for (const button of document.querySelectorAll("[data-here]")) {
    button.hidden = !player;
    button.addEventListener("click", () => {
      document.getElementById(button.dataset.here).value = clock(player.now());
    });
  }
  if (page) page.dataset.ready = "";
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

for (const part of document.querySelectorAll("[data-when-upheld]")) {
  const form = part.closest("form");
  const look = () => {
    const chosen = form.querySelector('input[name="answer"]:checked')?.value;
    part.hidden = !chosen || chosen === "keep";
    part.querySelector("select").required = !part.hidden;
  };
  form.addEventListener("change", look);
  look();
}

start();
