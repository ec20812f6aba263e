// The review page: the scorecard is answered beside the call, mostly by keyboard, and saved with every change.

import { notify } from "./app.js";
import { openCall } from "./call_moves.js";
import { clock } from "./call_player.js";
import { Remarks } from "./review_remarks.js";
import { Saver, ask } from "./review_saving.js";

const page = document.querySelector("[data-review]");
const words = JSON.parse(page.dataset.words);
const items = [...page.querySelectorAll("[data-item]")];
const open = Boolean(page.dataset.open);
const say = (name, ...values) => values.reduce((text, value, i) => text.replace(`$${i + 1}`, value), words[name]);
const number = (value, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const SECTION_HEIGHT = 34; // pixels: a section's name stays at the top of the list
let here = null; // the item in focus
let call = null;
let state = JSON.parse(page.dataset.state);

// Settings of this browser, not of the review.
const remembered = (name, fallback) => window.localStorage.getItem(`hotline.bench.${name}`) ?? fallback;
const remember = (name, value) => window.localStorage.setItem(`hotline.bench.${name}`, value);

// --- the state of one item ----------------------------------------------------------------------------------------

const part = (item, name) => item.querySelector(`[data-${name}]`);
const PICKS = "[data-answer], [data-deduction], [data-option], [data-step]";
const picks = (item) => [...item.querySelectorAll(PICKS)];
const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
const machineOf = (item) => {
  const shown = item.querySelector("[data-auto]");
  const { auto, autoOption, autoDeductions } = shown.dataset;
  return { answer: auto || null, option: autoOption || null, deductions: JSON.parse(autoDeductions) };
};

/** Return the value of a choice, a scale, a number or a text; null without one. */
function valueOf(item, pressed) {
  const option = pressed.find((button) => button.dataset.option ?? button.dataset.step);
  if (option) return option.dataset.option ?? Number(option.dataset.step);
  const typed = part(item, "number") ?? part(item, "text");
  if (!typed || pressed.length || !typed.value.trim()) return null;
  return typed.type === "number" ? Number(typed.value) : typed.value;
}

/** Return all that is entered about an item, as the server wants it. */
function markOf(item) {
  const pressed = picks(item).filter(isPressed);
  const moment = JSON.parse(item.dataset.mark ?? "{}").moment ?? null;
  const deductions = pressed.map((button) => button.dataset.deduction).filter(Boolean);
  const answer = deductions.length ? "not_met" : (pressed.find((button) => button.dataset.answer)?.dataset.answer ?? null);
  const causes = [...item.querySelectorAll("[data-cause]")].filter(isPressed).map((button) => button.dataset.cause);
  return {
    item: item.dataset.item,
    answer,
    deductions,
    value: valueOf(item, pressed),
    causes: answer === "met" || answer === "not_applicable" ? [] : causes,
    comment: part(item, "item-comment").value || null,
    override_reason: part(item, "override-reason").value || null,
    moment,
  };
}

/** Show a change that a closed page left behind. */
function showMark(mark) {
  const item = document.getElementById(`item-${mark.item}`);
  if (!item) return;
  for (const button of picks(item)) {
    const { deduction, option, step, answer } = button.dataset;
    const on = deduction ? mark.deductions.includes(deduction) : option || step ? String(mark.value) === (option ?? step) : !mark.deductions.length && answer === mark.answer;
    button.setAttribute("aria-pressed", String(on));
  }
  for (const button of item.querySelectorAll("[data-cause]")) button.setAttribute("aria-pressed", String(mark.causes.includes(button.dataset.cause)));
  const typed = part(item, "number") ?? part(item, "text");
  if (typed) typed.value = mark.value ?? "";
  part(item, "item-comment").value = mark.comment ?? "";
  part(item, "override-reason").value = mark.override_reason ?? "";
  setMoment(item, mark.moment);
  showOverride(item);
}

function differs(item) {
  const machine = machineOf(item);
  const mark = markOf(item);
  if (machine.option !== null && mark.value !== null) return machine.option !== mark.value;
  if (!machine.answer || !mark.answer) return false;
  if (machine.deductions.length || mark.deductions.length) return [...machine.deductions].sort().join("\n") !== [...mark.deductions].sort().join("\n");
  return machine.answer !== mark.answer;
}

function showOverride(item) {
  const changed = differs(item);
  item.classList.toggle("changed", changed);
  part(item, "changed").hidden = !changed;
  part(item, "override").hidden = !changed && !part(item, "override-reason").value;
  const mark = markOf(item);
  item.classList.toggle("answered", mark.answer !== null || mark.value !== null);
  const causes = part(item, "causes");
  if (causes) causes.hidden = mark.answer === "met" || mark.answer === "not_applicable";
}

const saver = new Saver(page, { told: showSaved, stood: showState });

function changed(item, options) {
  showOverride(item);
  hideProblem(item);
  saver.change(`item:${item.dataset.item}`, markOf(item), options);
}

/** Press one answer: an answer excludes the others, deductions stand beside each other. */
function pick(item, button) {
  if (!button || button.disabled) return;
  const on = !isPressed(button);
  for (const other of picks(item)) {
    if (other !== button && !(button.dataset.deduction && other.dataset.deduction)) other.setAttribute("aria-pressed", "false");
  }
  button.setAttribute("aria-pressed", String(on));
  changed(item);
}

function accept(item) {
  const machine = machineOf(item);
  if (!open) return;
  const said = ({ deduction, option, answer }) =>
    machine.deductions.length ? machine.deductions.includes(deduction) : machine.option !== null ? machine.option === option : machine.answer === answer;
  if (!machine.answer || !picks(item).some((button) => said(button.dataset))) return notify(words.nothing_to_accept);
  for (const button of picks(item)) button.setAttribute("aria-pressed", String(said(button.dataset)));
  changed(item);
  advance(item, { done: true });
}

/** After an answer by keyboard: to the reason where one is needed, else on to the next item when it is `done`. */
function advance(item, { done = false } = {}) {
  const mark = markOf(item);
  if (differs(item) && !part(item, "override-reason").value) return part(item, "override-reason").focus();
  const confirmed = item.dataset.kind === "fatal" && mark.answer === "not_met";
  if (confirmed && !mark.comment) return part(item, "item-comment").focus();
  const stays = mark.deductions.length || (mark.answer === null && mark.value === null);
  if (document.querySelector("[data-advance]").checked && (done || !stays)) move(1);
}

function setMoment(item, seconds) {
  item.dataset.mark = JSON.stringify({ moment: seconds ?? null });
  const shown = part(item, "moment-words");
  shown.textContent = seconds === null || seconds === undefined ? words.set_moment : say("moment", clock(seconds));
}

// --- where one is ---------------------------------------------------------------------------------------------------

function enter(item, { focus = true } = {}) {
  if (!item) return;
  if (here !== item) {
    here?.classList.remove("here");
    item.classList.add("here");
    here = item;
  }
  if (focus) item.focus({ preventScroll: true });
  const list = page.querySelector("[data-items]");
  if (list.scrollHeight <= list.clientHeight + 1) return focus && item.scrollIntoView({ block: "nearest" });
  const [top, bottom] = [item.offsetTop - SECTION_HEIGHT, item.offsetTop + item.offsetHeight];
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = Math.min(top, bottom - list.clientHeight);
}

function move(steps) {
  const asked = items.filter((item) => item === here || !item.classList.contains("unasked"));
  const at = here ? asked.indexOf(here) + steps : 0;
  enter(asked[Math.min(Math.max(at, 0), asked.length - 1)]);
}

const evidenceAt = new WeakMap();

/** Play the next piece of evidence of the item in focus. */
function playEvidence() {
  const moments = [...(here?.querySelectorAll("[data-region^=auto-] [data-seek]") ?? [])].map((one) => Number(one.dataset.seek));
  if (!moments.length) return notify(words.no_evidence);
  const next = (evidenceAt.get(here) ?? -1) + 1;
  evidenceAt.set(here, next);
  call.playFrom(Math.max(0, moments[next % moments.length] - 0.3));
}

// --- what the server says ---------------------------------------------------------------------------------------------

function showSaved(name, body) {
  const shown = page.querySelector("[data-saved]");
  const look = { saved: "✓", saving: "…", nothing: "" }[name] ?? "⚠";
  const text = { conflict: words.refused }[name] ?? say(name, saver.waiting);
  shown.textContent = `${text} ${look}`;
  shown.className = `saved saved-${name}`;
  page.querySelector("[data-logged-out]").hidden = name !== "logged_out";
  if (name === "conflict" && body) showConflict(body);
  if (name === "refused" && body?.error) notify(body.error.message);
}

function showConflict(body) {
  page.querySelector("[data-conflict]").hidden = false;
  page.querySelector("[data-conflict-words]").textContent = body.conflict ? say("conflict", body.conflict.who, body.conflict.at) : body.error.message;
  page.querySelector("[data-reload-mine]").focus();
  page.dataset.stored = body.conflict?.revision ?? saver.revision;
}

function showState(found) {
  state = found;
  page.dataset.revision = found.revision;
  for (const item of items) {
    const id = item.dataset.item;
    showPoints(part(item, "points"), found.points[id]);
    item.classList.toggle("unanswered", found.missing.includes(id));
    item.classList.toggle("unasked", found.unasked.includes(id));
  }
  for (const shown of page.querySelectorAll("[data-section]")) {
    const own = [...page.querySelectorAll(`[data-of="${CSS.escape(shown.dataset.section)}"]`)].map((item) => found.points[item.dataset.item]).filter(Boolean);
    const sums = own.reduce((sum, [points, possible]) => [sum[0] + points, sum[1] + possible], [0, 0]);
    showPoints(shown, own.length ? [sums[0], found.missing.length ? null : sums[1]] : null);
  }
  page.querySelector("[data-now-label]").textContent = found.complete ? words.now : words.so_far;
  const auto = page.querySelector("[data-auto-total]");
  if (auto && found.auto !== undefined) auto.textContent = number(found.auto, 0);
  page.querySelector("[data-final]").textContent = number(found.final);
  page.querySelector("[data-raw]").textContent = number(found.raw);
  const short = page.querySelector("[data-final-short]");
  if (short) short.textContent = number(found.final);
  page.querySelector("[data-fatal]").hidden = !found.fatal.length;
  page.querySelector("[data-missing]").textContent = found.missing.length ? say("open_items", found.missing.length) : words.complete;
  page.querySelector("[data-answered]").textContent = say("answered", Math.round(found.answered));
}

/** Show points of possible points; these change from the printed ones when something does not apply. */
function showPoints(shown, found) {
  const trimmed = (value) => number(value).replace(/\.0$/, "");
  shown.textContent = found ? trimmed(found[0]) : "–";
  const possible = shown.parentElement.querySelector("[data-possible]");
  if (possible) possible.textContent = found?.[1] ? trimmed(found[1]) : possible.dataset.possible;
}

function hideProblem(item) {
  item.classList.remove("wrong");
  part(item, "problem").hidden = true;
}

function showProblems(problems) {
  let first = null;
  for (const [id, text] of Object.entries(problems)) {
    const item = document.getElementById(`item-${id}`);
    item?.classList.remove("unasked");
    const shown = item ? part(item, "problem") : page.querySelector(`[data-problem-of="${CSS.escape(id)}"]`);
    if (!shown) continue;
    shown.textContent = text;
    shown.hidden = false;
    item?.classList.add("wrong");
    first ??= item;
  }
  enter(first);
}

async function submit() {
  if (!open) return;
  const button = page.querySelector("[data-submit-button]");
  button.disabled = true;
  const saved = await saver.flush();
  if (saved) {
    const release = page.querySelector("[data-release]")?.value ?? "no";
    const wish = { revision: saver.revision, release, at: release === "later" ? page.querySelector("[data-release-at]").value : "" };
    const answer = await ask(page.dataset.submit, wish, saver.token);
    if (answer.status === 200) {
      saver.forget();
      saver.leaving = true;
      window.location.assign(answer.body.next);
      return;
    }
    if (answer.body?.problems) showProblems(answer.body.problems);
    if (answer.status === 409) showSaved("conflict", answer.body);
    else if (answer.status === 0) showSaved("waiting");
    else if (answer.status === 401) showSaved("logged_out");
    if (answer.body?.error) notify(answer.body.error.message);
  }
  button.disabled = false;
}

// --- keys and clicks --------------------------------------------------------------------------------------------------

const choose = (key) => {
  if (!here || !open) return;
  const answers = picks(here).filter((button) => button.dataset.answer !== "not_applicable");
  const button = key === "n" ? picks(here).find((one) => one.dataset.answer === "not_applicable") : answers[Number(key) - 1];
  if (!button) return;
  pick(here, button);
  if (!button.dataset.deduction) advance(here);
};

const remarks = new Remarks(page, {
  say,
  words,
  token: () => saver.token,
  now: () => call?.player?.now() ?? 0,
  item: () => here,
  began: (found) => {
    saver.revision = found.revision;
    saver.begun = true;
    showState(found);
  },
  refreshed: () => {
    call.transcript?.read();
    for (const item of items) showOverride(item);
  },
  flush: () => saver.flush(),
});

const keys = {
  j: () => move(1),
  k: () => move(-1),
  n: () => choose("n"),
  a: () => here && accept(here),
  e: playEvidence,
  o: () => {
    if (!here || !open) return;
    part(here, "override").hidden = false;
    part(here, "override-reason").focus();
  },
  c: () => open && remarks.write({ at: call.player ? call.player.now() : null }),
  f: () => open && remarks.write({ at: call.player ? call.player.now() : null, kind: "coaching" }),
  s: () => saver.flush(),
  "?": () => document.getElementById("help").showModal(),
};
for (let digit = 1; digit <= 9; digit += 1) keys[digit] = () => choose(String(digit));

function listen() {
  page.addEventListener("click", (event) => {
    const item = event.target.closest("[data-item]");
    if (!item) return;
    const button = event.target.closest(PICKS);
    const cause = event.target.closest("[data-cause]");
    if (button) pick(item, button);
    else if (cause) {
      cause.setAttribute("aria-pressed", String(!isPressed(cause)));
      changed(item);
    }
    else if (event.target.closest("[data-accept]")) accept(item);
    else if (event.target.closest("[data-moment]")) {
      const set = JSON.parse(item.dataset.mark ?? "{}").moment ?? null;
      setMoment(item, set === null ? Math.round((call?.player?.now() ?? 0) * 10) / 10 : null);
      changed(item);
    }
    // A click leaves the keys to the page; who tabs from button to button stays on the button.
    const byPointer = event.detail > 0 && !event.target.closest("textarea, select, input, summary, a");
    if (!event.target.closest("[data-accept]")) enter(item, { focus: byPointer });
  });
  // An item that opens under the pointer would move what is being clicked: that waits for the click.
  let pointing = false;
  page.addEventListener("pointerdown", () => {
    pointing = true;
  });
  for (const end of ["click", "pointercancel", "keydown"]) {
    document.addEventListener(end, () => {
      pointing = false;
    });
  }
  page.addEventListener("focusin", (event) => {
    const item = event.target.closest("[data-item]");
    if (item && item !== here && !pointing) enter(item, { focus: false });
  });
  page.addEventListener("input", (event) => {
    const item = event.target.closest("[data-item]");
    if (item && event.target.matches("textarea, input")) {
      if (event.target.matches("[data-number], [data-text]")) for (const other of picks(item)) other.setAttribute("aria-pressed", "false");
      changed(item, { soon: true });
    }
    else if (event.target.matches("[data-comment]") && event.target.id === "comment") saver.change("comment", event.target.value, { soon: true });
  });
  page.addEventListener("change", (event) => {
    if (event.target.matches("[data-reason]")) saver.change("reason", event.target.value);
    if (event.target.matches("textarea")) saver.flush();
    if (event.target.matches("[data-release]")) {
      remember("release", event.target.value);
      page.querySelector("[data-release-at]").hidden = event.target.value !== "later";
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.target.closest("dialog")) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && event.target.matches("textarea, input, select") && !event.target.closest("dialog")) {
      (event.target.closest("[data-item]") ?? here ?? page).focus();
    }
  });
  page.querySelector("[data-submit-button]")?.addEventListener("click", submit);
  for (const button of page.querySelectorAll("[data-open-dialog]")) {
    button.addEventListener("click", () => document.getElementById(button.dataset.openDialog).showModal());
  }
  for (const how of ["mine", "theirs"]) {
    page.querySelector(`[data-reload-${how}]`).addEventListener("click", () => {
      if (how === "theirs") saver.forget();
      else {
        saver.revision = Number(page.dataset.stored);
        saver.giveBack();
      }
      saver.leaving = true;
      window.location.reload();
    });
  }
}

function restoreSettings() {
  const release = page.querySelector("[data-release]");
  if (release) {
    release.value = remembered("release", "no") === "later" ? "no" : remembered("release", "no");
    page.querySelector("[data-release-at]").hidden = release.value !== "later";
  }
  const advancing = document.querySelector("[data-advance]");
  advancing.checked = remembered("advance", "yes") === "yes";
  advancing.addEventListener("change", () => remember("advance", advancing.checked ? "yes" : "no"));
}

/** Put what a closed page left behind back into the form, and send it. */
async function restoreChanges() {
  const left = open ? saver.left() : new Map();
  if (!open) saver.forget();
  for (const [key, value] of left) {
    if (key.startsWith("item:")) showMark(value);
    else page.querySelector(key === "comment" ? "#comment" : "[data-reason]").value = value;
  }
  if (left.size && (await saver.flush())) notify(say("restored", left.size));
}

async function start() {
  for (const item of items) showOverride(item);
  if (state) showState(state);
  showSaved(state ? "saved" : "nothing");
  restoreSettings();
  listen();
  remarks.listen();
  const opening = openCall(page, keys); // what is far away is asked for before the page is laid out
  enter(items.find((item) => !item.classList.contains("answered")) ?? items[0], { focus: false });
  page.focus({ preventScroll: true });
  const before = Number(page.dataset.seconds);
  const timer = page.querySelector("[data-timer]");
  const tick = () => {
    timer.textContent = clock((state?.seconds ?? before) + saver.seconds);
  };
  tick();
  window.setInterval(tick, 1000);
  call = await opening;
  await restoreChanges();
}

start();
