// What was entered is never lost: each change is kept in the browser at once, sent soon, and sent again until it arrives.
//
// A change says the whole of what it is about (one item, the comment, the reason), so a newer one takes an older one's
// place. What is under way stays as it was sent until the server has answered: sent again it does no harm.

import { csrfToken } from "./app.js";

const SOON = 350; // milliseconds after the last keystroke
const LONGEST_WAIT = 30_000;
const BEAT = 30_000; // how often work is reported when nothing else is saved
const IDLE = 60_000; // nobody touched anything for so long: the clock stands
const MOST_SECONDS = 60; // that one save may report

export const STORED = "hotline.review.";

/** Ask the server; the answer is {status, body}, status 0 when there is no connection. */
export async function ask(address, body, token, { last = false } = {}) {
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
      keepalive: last,
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  } catch {
    return { status: 0, body: null };
  }
}

export class Saver {
  /** `page` is the review's element; `told` hears of every new state: saved, saving, waiting, failing, and so on. */
  constructor(page, { told, stood }) {
    this.page = page;
    this.told = told;
    this.stood = stood;
    this.token = csrfToken;
    this.revision = Number(page.dataset.revision);
    this.begun = this.revision > 0;
    this.pending = new Map();
    this.sent = null; // the changes under way
    this.wait = 0;
    this.timer = null;
    this.seconds = 0;
    this.key = `${STORED}${page.dataset.user}.${page.dataset.callId}.${page.dataset.calibration}`;
    this.stopped = false; // after a conflict nothing is sent until the page is loaded again
    this.touched = Date.now();
    this.work();
  }

  /** Return what a closed page left behind, as a map of changes; empty when there is nothing. */
  left() {
    const stored = JSON.parse(window.localStorage.getItem(this.key) ?? "null");
    if (!stored) return new Map();
    this.revision = stored.revision;
    this.sent = stored.sent ? new Map(stored.sent) : null;
    this.pending = new Map(stored.pending);
    return new Map([...(this.sent ?? []), ...this.pending]);
  }

  get waiting() {
    return new Set([...(this.sent?.keys() ?? []), ...this.pending.keys()]).size;
  }

  /** Keep a change; `soon` waits for the end of typing. */
  change(key, value, { soon = false } = {}) {
    this.pending.set(key, value);
    this.keep();
    if (this.stopped) return;
    this.told("saving");
    this.later(soon ? SOON : 0);
  }

  keep() {
    if (!this.waiting) window.localStorage.removeItem(this.key);
    else {
      const state = { revision: this.revision, sent: this.sent ? [...this.sent] : null, pending: [...this.pending] };
      window.localStorage.setItem(this.key, JSON.stringify(state));
    }
  }

  forget() {
    this.pending.clear();
    this.sent = null;
    this.keep();
  }

  later(milliseconds) {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.flush(), milliseconds);
  }

  /** Send what waits; return whether everything is saved. */
  async flush(options = {}) {
    while (this.running) await this.running; // one save at a time, in the order of the changes
    if (this.stopped) return false;
    if (!this.waiting && !(this.begun && this.seconds >= 1 && options.beat)) return !this.waiting;
    window.clearTimeout(this.timer);
    this.running = this.send(options);
    const done = await this.running;
    this.running = null;
    if (done && this.pending.size) return this.flush(options);
    return done && !this.waiting;
  }

  async send(options) {
    if (!this.sent) {
      this.sent = new Map(this.pending);
      this.pending.clear();
      this.keep();
    }
    const seconds = Math.min(Math.floor(this.seconds), MOST_SECONDS);
    const answer = await ask(this.page.dataset.save, this.body(seconds), this.token, options);
    if (answer.status === 200) return this.arrived(answer.body, seconds);
    if (answer.status === 400 && !options.renewed) {
      const renewed = await this.renewToken();
      if (renewed === "renewed") return this.send({ ...options, renewed: true });
      if (renewed === "logged_out") answer.status = 401;
    }
    if (answer.status === 409) this.stopped = true;
    if (answer.status === 0 || answer.status >= 500 || answer.status === 401) {
      this.wait = Math.min(LONGEST_WAIT, Math.max(1000, this.wait * 2));
      this.later(this.wait);
    }
    if (!this.sent.size) this.sent = null; // only work was to be reported: that can wait
    if (answer.status === 422 || answer.status === 400) this.giveBack();
    this.told({ 0: "waiting", 401: "logged_out", 409: "conflict", 422: "refused", 400: "refused" }[answer.status] ?? "failing", answer.body);
    return false;
  }

  /** What the rules refused waits beside the next change, and is not sent again by itself. */
  giveBack() {
    this.pending = new Map([...(this.sent ?? []), ...this.pending]);
    this.sent = null;
    this.keep();
  }

  arrived(state, seconds) {
    this.sent = null;
    this.wait = 0;
    this.begun = true;
    this.seconds -= seconds;
    this.revision = state.revision;
    this.keep();
    this.stood(state);
    if (!this.pending.size) this.told("saved");
    return true;
  }

  body(seconds) {
    const body = { revision: this.revision, seconds, marks: [] };
    for (const [key, value] of this.sent) {
      if (key.startsWith("item:")) body.marks.push(value);
      else body[key] = value;
    }
    return body;
  }

  /** A session that ended takes its token with it, and a new login brings a new one: say which of the two it is. */
  async renewToken() {
    const response = await fetch(this.page.dataset.own, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!response?.ok) return "unknown";
    if (response.redirected && new URL(response.url).pathname === new URL(this.page.dataset.login, window.location).pathname) return "logged_out";
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const token = page.querySelector('meta[name="csrf-token"]')?.content;
    if (!token || token === this.token) return "unknown";
    this.token = token;
    return "renewed";
  }

  /** Count the time of somebody at work: the page in sight, and touched or played within a minute. */
  work() {
    const touch = () => {
      this.touched = Date.now();
    };
    for (const act of ["keydown", "pointerdown", "wheel"]) document.addEventListener(act, touch, { passive: true });
    window.setInterval(() => {
      const playing = document.querySelector("audio")?.paused === false;
      const present = document.visibilityState === "visible" && (playing || Date.now() - this.touched < IDLE);
      if (present && this.page.dataset.open) this.seconds += 1;
    }, 1000);
    window.setInterval(() => this.flush({ beat: true }), BEAT);
    window.addEventListener("online", () => this.waiting && this.flush());
    window.addEventListener("focus", () => this.waiting && this.wait && this.flush());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden" && this.waiting) this.flush({ last: true });
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.waiting && !this.leaving) event.preventDefault();
    });
  }
}
