// Comments on moments, turns and items, and corrections of the transcript: each is kept at once, and the parts of the
// page that it changes are fetched anew.

import { notify } from "./app.js";
import { clock } from "./call_player.js";
import { ask } from "./review_saving.js";

/** What the server sent of each part of the page that it may change: scripts have worked on it since. */
const partsOf = (page) => new Map([...page.querySelectorAll("[data-region]")].map((region) => [region.dataset.region, region.innerHTML]));

/** Exchange the parts of the page that the server has changed since it `sent` them; what is typed in the form stays. */
async function refresh(page, sent) {
  const response = await fetch(page.dataset.own, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) return false;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const region of page.querySelectorAll("[data-region]")) {
    const found = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
    if (!found) continue;
    Object.assign(region.dataset, found.dataset);
    if (found.innerHTML === sent.get(region.dataset.region)) continue;
    sent.set(region.dataset.region, found.innerHTML);
    const scrolled = region.scrollTop;
    region.replaceChildren(...document.importNode(found, true).childNodes);
    region.scrollTop = scrolled;
  }
  const auto = [page, fresh].map((one) => one.querySelector("[data-auto-total]"));
  if (auto[0] && auto[1]) auto[0].textContent = auto[1].textContent;
  return true;
}

/** The number of the turn whose line `button` stands in. */
const turnOf = (button) => Number(button.closest(".line").id.replace("turn-", ""));

export class Remarks {
  constructor(page, tools) {
    this.page = page;
    this.tools = tools;
    this.sent = partsOf(page);
    this.about = {};
    this.remark = document.getElementById("remark");
    this.correction = document.getElementById("correction");
  }

  listen() {
    this.page.addEventListener("click", (event) => {
      const turn = event.target.closest("[data-comment-turn]");
      const correct = event.target.closest("[data-correct]");
      const removed = event.target.closest("[data-remove-comment]");
      if (turn) this.write({ turn: turnOf(turn), at: Number(turn.closest(".line").dataset.start) });
      else if (correct && correct !== this.page) this.correct(correct);
      else if (removed) this.remove(removed.dataset.removeComment);
    });
    for (const [dialog, keep] of [
      [this.remark, () => this.keepRemark()],
      [this.correction, () => this.keepCorrection()],
    ]) {
      dialog.querySelector("form").addEventListener("submit", (event) => {
        if (event.submitter?.value === "cancel") return;
        event.preventDefault();
        keep();
      });
      dialog.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        keep();
      });
      dialog.addEventListener("close", () => this.back());
    }
  }

  /** The focus goes back to where it came from. */
  back() {
    const target = this.opener?.isConnected ? this.opener : (this.tools.item() ?? this.page);
    target.focus({ preventScroll: true });
  }

  show(dialog, title) {
    this.opener = document.activeElement;
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector("[data-dialog-problem]").hidden = true;
    dialog.showModal();
  }

  /** Write a comment: `turn`, `item` and `at` (seconds) say what about. */
  write(about) {
    this.about = about;
    const text = this.remark.querySelector("textarea");
    text.value = "";
    this.remark.querySelector("[data-kind]").value = about.kind ?? "comment";
    this.remark.querySelector("[data-public]").checked = false;
    this.show(this.remark, about.at === null ? this.tools.words.comment_item : this.tools.say("comment_at", clock(about.at)));
    text.focus();
  }

  async keepRemark() {
    const text = this.remark.querySelector("textarea").value;
    if (!text.trim()) return;
    await this.tools.flush();
    const body = {
      text,
      kind: this.remark.querySelector("[data-kind]").value,
      public: this.remark.querySelector("[data-public]").checked,
      turn: this.about.turn ?? null,
      at: this.about.at ?? null,
    };
    const answer = await ask(this.page.dataset.comment, body, this.tools.token());
    if (answer.status !== 200) return this.problem(this.remark, answer);
    this.remark.close();
    this.tools.began(answer.body.state);
    await this.renew();
  }

  async remove(address) {
    const answer = await ask(address, {}, this.tools.token());
    if (answer.status !== 200) return notify(answer.body?.error?.message ?? document.getElementById("notice").dataset.failed);
    await this.renew();
    this.back();
  }

  correct(button) {
    const line = button.closest(".line");
    this.about = { turn: turnOf(button) };
    const text = this.correction.querySelector("textarea");
    text.value = line.querySelector(".line-words").textContent.trim();
    this.show(this.correction, this.tools.say("correct_at", clock(Number(line.dataset.start))));
    text.focus();
  }

  async keepCorrection() {
    const text = this.correction.querySelector("textarea").value;
    const revision = Number(this.page.querySelector("[data-lines]").dataset.revision);
    const answer = await ask(this.page.dataset.correct, { turn: this.about.turn, text, revision }, this.tools.token());
    if (answer.status !== 200) return this.problem(this.correction, answer);
    this.correction.close();
    await this.renew();
    notify(this.tools.words.corrected);
  }

  problem(dialog, answer) {
    const shown = dialog.querySelector("[data-dialog-problem]");
    shown.textContent = answer.body?.error?.message ?? document.getElementById("notice").dataset.failed;
    shown.hidden = false;
    if (answer.status === 409) this.renew();
  }

  async renew() {
    if (await refresh(this.page, this.sent)) this.tools.refreshed();
  }
}
