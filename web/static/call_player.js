// The recording of one call: its waveform, its controls, and who of the two sides is heard.

import { cspNonce, fetchJson } from "./app.js";

const COLOURS = {
  agent: { waveColor: "#9db8dc", progressColor: "#1d4f91" },
  customer: { waveColor: "#e0b48a", progressColor: "#9a4a00" },
  unknown: { waveColor: "#b6bfcb", progressColor: "#5a6678" },
};
const CHANNEL_HEIGHT = 40; // as in calls.css
const SHORT_SILENCE = 1; // seconds of a silence that are played when silence is skipped

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const end = `${hours ? String(minutes).padStart(2, "0") : minutes}:${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${end}` : end;
}

/** Show our own player in the place of the browser's, or the browser's again. */
function showOwn(section, audio, own) {
  audio.controls = !own;
  section.classList.toggle("ready", own);
  for (const part of section.querySelectorAll(".player-controls, .wave, .wave-legend")) part.hidden = !own;
}

/** Draw the waveform from its stored outline, so that no sound is fetched before somebody plays it. */
async function drawWave(section, audio, duration) {
  const [{ default: WaveSurfer }, peaks] = await Promise.all([
    import(section.dataset.wavesurfer),
    fetchJson(section.dataset.peaks),
  ]);
  showOwn(section, audio, true); // all at once: the page is laid out for the wave to know its width
  const names = section.dataset.channels.split(" ").filter(Boolean);
  return WaveSurfer.create({
    container: section.querySelector("[data-wave]"),
    media: audio,
    peaks: peaks.channels,
    duration: duration || peaks.duration,
    height: CHANNEL_HEIGHT,
    normalize: true,
    barWidth: 2,
    barGap: 1,
    barMinHeight: 1,
    cursorColor: "#182433",
    cursorWidth: 2,
    dragToSeek: true,
    hideScrollbar: true,
    splitChannels: peaks.channels.map((_, i) => ({ ...COLOURS[names[i] ?? "unknown"], height: CHANNEL_HEIGHT })),
    cspNonce,
  });
}

/** The two sides of a recording: who is heard (0, 1, or null for both as recorded) and how loud each side is. */
function channelMixer(audio) {
  let gains = null;
  let alone = null;
  const loudness = [1, 1];
  const muted = [false, false];
  const connect = () => {
    const context = new AudioContext();
    const splitter = context.createChannelSplitter(2);
    const merger = context.createChannelMerger(2);
    context.createMediaElementSource(audio).connect(splitter);
    gains = [0, 1].map((from) =>
      [0, 1].map((to) => {
        const gain = context.createGain();
        splitter.connect(gain, from).connect(merger, 0, to);
        return gain;
      }),
    );
    merger.connect(context.destination);
    audio.addEventListener("play", () => context.resume());
    context.resume();
  };
  const apply = () => {
    if (!gains) connect();
    for (const from of [0, 1]) {
      const level = muted[from] ? 0 : loudness[from];
      for (const to of [0, 1]) gains[from][to].gain.value = level * (alone === null ? Number(from === to) : Number(from === alone));
    }
  };
  return {
    hear(channel) {
      if (!gains && channel === null) return;
      alone = channel;
      apply();
    },
    setLevel(channel, level) {
      loudness[channel] = level;
      apply();
    },
    mute(channel, on) {
      muted[channel] = on;
      apply();
    },
  };
}

/** Sliders and mute buttons of each channel. A mono recording has one element for its sound: its volume is that. */
function listenToLevels(section, audio, mixer) {
  const mono = section.querySelectorAll("[data-level]").length < 2;
  for (const slider of section.querySelectorAll("[data-level]")) {
    slider.addEventListener("input", () => {
      if (mono) audio.volume = Math.min(1, Number(slider.value));
      else mixer.setLevel(Number(slider.dataset.level), Number(slider.value));
    });
  }
  for (const button of section.querySelectorAll("[data-mute]")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      if (mono) audio.muted = on;
      else mixer.mute(Number(button.dataset.mute), on);
    });
  }
}

/** Play a stretch again and again: the first call begins it, the second ends it, the third lets go. */
function looper(section, audio, duration) {
  const button = section.querySelector("[data-loop]");
  const span = section.querySelector("[data-loop-span]");
  let from = null;
  let to = null;
  const show = () => {
    if (!button) return;
    const words = from === null ? button.dataset.off : to === null ? button.dataset.from : button.dataset.between;
    button.querySelector("[data-loop-words]").textContent = words.replace("$1", clock(from ?? 0)).replace("$2", clock(to ?? 0));
    button.setAttribute("aria-pressed", String(from !== null));
    span?.setAttribute("x", `${(100 * (from ?? 0)) / duration}%`);
    span?.setAttribute("width", to === null ? "0" : `${(100 * (to - from)) / duration}%`);
  };
  const next = () => {
    const now = audio.currentTime;
    if (from === null) from = now;
    else if (to === null && Math.abs(now - from) > 0.2) [from, to] = [Math.min(from, now), Math.max(from, now)];
    else from = to = null;
    show();
  };
  button?.addEventListener("click", next);
  return {
    next,
    /** Go back to the beginning at the end of the stretch. */
    hold(seconds) {
      if (to !== null && !audio.paused && (seconds >= to || seconds < from - 0.5)) audio.currentTime = from;
    },
  };
}

function readSilences(text) {
  return text
    .split(" ")
    .filter(Boolean)
    .map((span) => span.split("-").map(Number));
}

/** Open the player in `section`; null when the call has no recording. `moved` is told the time as it plays. */
export async function openPlayer(section, { moved, failed }) {
  if (!section) return null;
  const audio = section.querySelector("audio");
  const duration = Number(section.dataset.duration);
  const now = section.querySelector("[data-now]");
  const speed = section.querySelector("[data-speed]");
  const skipSilence = section.querySelector("[data-skip]");
  const silences = readSilences(section.dataset.silences);

  const wave = await drawWave(section, audio, duration).catch(() => null);
  if (!wave) {
    showOwn(section, audio, false);
    return plainPlayer(audio, moved);
  }

  const loop = looper(section, audio, duration);
  const tell = (seconds) => {
    now.textContent = clock(seconds);
    moved(seconds);
    const silence = !audio.paused && skipSilence?.checked && silences.find(([start, end]) => seconds > start + SHORT_SILENCE && seconds < end - 0.5);
    if (silence) audio.currentTime = silence[1] - 0.3;
    loop.hold(seconds);
  };
  const player = {
    ...plainPlayer(audio, tell),
    loop: loop.next,
    changeSpeed(steps) {
      const index = Math.min(Math.max(speed.selectedIndex + steps, 0), speed.options.length - 1);
      speed.selectedIndex = index;
      audio.playbackRate = Number(speed.value);
    },
  };

  showPlaying(section, audio);
  audio.addEventListener("error", () => failed(section.dataset.failed));
  section.querySelector("[data-play]").addEventListener("click", player.toggle);
  speed.addEventListener("change", () => player.changeSpeed(0));
  const mixer = channelMixer(audio);
  section.querySelector("[data-listen]")?.addEventListener("change", (event) => {
    mixer.hear(event.target.value === "" ? null : Number(event.target.value));
  });
  listenToLevels(section, audio, mixer);
  return player;
}

function plainPlayer(audio, moved) {
  audio.addEventListener("timeupdate", () => moved(audio.currentTime));
  audio.addEventListener("seeking", () => moved(audio.currentTime));
  const follow = () => {
    moved(audio.currentTime);
    if (!audio.paused) window.requestAnimationFrame(follow);
  };
  audio.addEventListener("play", follow);
  return {
    now: () => audio.currentTime,
    seek: (seconds) => {
      audio.currentTime = seconds;
      moved(seconds);
    },
    skip: (seconds) => {
      audio.currentTime = Math.max(0, audio.currentTime + seconds);
    },
    play: () => audio.play().catch(() => {}), // a browser may ask for a click first, or the sound may be gone: its error event tells
    toggle: () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()),
    changeSpeed: () => {},
    loop: () => {},
    playing: () => !audio.paused,
  };
}

function showPlaying(section, audio) {
  const button = section.querySelector("[data-play]");
  const play = button.getAttribute("aria-label");
  for (const state of ["play", "pause", "ended"]) {
    audio.addEventListener(state, () => {
      section.classList.toggle("playing", !audio.paused);
      button.setAttribute("aria-label", audio.paused ? play : button.dataset.pauseLabel);
    });
  }
}
