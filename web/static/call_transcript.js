// The words of one call: the one being said is lit, the list follows the sound, words can be searched.
//
// A line comes as text, with the times of its words beside it. The words that can be clicked and lit, and the buttons of
// the line, are made when it comes near the view or is wanted: a call of half an hour has thousands of words.

const NEAR = "100%"; // of the list's height: lines that far out of sight are made ready
const FAR = 1500; // pixels: farther, the list leaps instead of scrolling

/** Return the index of the last start at or before `seconds` in a sorted list, -1 when there is none. */
function lastBefore(starts, seconds) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Items in order of their start, for quick look-up: two people may speak at once, so page order is not it. */
function byTime(found) {
  const items = found.sort((a, b) => a.start - b.start);
  const starts = items.map((item) => item.start);
  return (seconds) => items[lastBefore(starts, seconds + 0.01)];
}

/** One line of the list. */
class Line {
  #folded = null;
  #words = null;
  #ready = false;

  constructor(element, acts) {
    this.element = element;
    this.acts = acts;
    this.start = Number(element.dataset.start);
    this.shown = element.querySelector(".line-words");
  }

  /** Its words with their times, as `word_times` of call_page.py writes them. */
  get words() {
    this.#words ??= (this.shown.dataset.words ?? "").split(" ").filter(Boolean).map((word) => {
      const [skip, length, start, end, sure] = word.split(":").map(Number);
      return { line: this, skip, length, start, end, sure, element: null };
    });
    return this.#words;
  }

  /** Make the words and buttons. */
  ready() {
    if (this.#ready) return;
    this.#ready = true;
    if (this.words.length) this.#cut();
    if (this.acts) this.#addActs();
  }

  #cut() {
    const letters = [...this.shown.textContent]; // whole characters: some take two units of a string
    const parts = [];
    let at = 0;
    const take = (count) => letters.slice(at, (at += count)).join("");
    for (const word of this.words) {
      parts.push(take(word.skip));
      word.element = document.createElement("span");
      word.element.className = "w";
      word.element.dataset.s = word.start;
      word.element.textContent = take(word.length);
      if (word.sure !== undefined) {
        word.element.classList.add("doubtful");
        word.element.title = this.element.parentElement.dataset.doubt.replace("$1", word.sure);
      }
      parts.push(word.element);
    }
    parts.push(take(letters.length));
    this.shown.replaceChildren(...parts.filter(Boolean));
  }

  #addActs() {
    const acts = this.acts.content.cloneNode(true);
    const time = this.element.querySelector(".line-time").textContent;
    for (const button of acts.querySelectorAll("button")) {
      button.setAttribute("aria-label", button.getAttribute("aria-label").replace("$1", time));
    }
    this.element.querySelector(".line-head").append(acts);
  }

  /** Mark the first place of `wanted`, small letters, in the line; return whether it has one. */
  mark(wanted) {
    this.#folded ??= this.shown.textContent.toLowerCase();
    const at = wanted ? this.#folded.indexOf(wanted) : -1;
    const [hit, was] = [at >= 0, this.element.classList.contains("hit")];
    if (!hit && !was) return false;
    this.ready();
    this.element.classList.toggle("hit", hit);
    let position = 0;
    for (const node of this.shown.childNodes) {
      const end = position + node.textContent.length;
      node.classList?.toggle("found", hit && position < at + wanted.length && end > at);
      position = end;
    }
    return hit;
  }
}

/** Scroll `list` so that `line` is in its middle, unless it is well in view; the page itself stays where it is. */
function centre(list, line) {
  const top = line.offsetTop - list.scrollTop;
  if (top > 0.1 * list.clientHeight && top + line.clientHeight < 0.8 * list.clientHeight) return;
  const target = () => line.offsetTop - list.clientHeight / 2 + line.clientHeight / 2;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!calm && Math.abs(list.scrollTop - target()) <= FAR) return list.scrollTo({ top: target(), behavior: "smooth" });
  let frames = 3; // in which the lines that come into view take their real height
  const leap = () => {
    list.scrollTop = target();
    if (frames--) window.requestAnimationFrame(leap);
  };
  leap();
}

/** The field that searches: `find` returns the lines that hold a text, `show` goes to one. */
function openSearch(section, find, show) {
  const field = section.querySelector("[data-find]");
  const count = section.querySelector("[data-found]");
  let hits = [];
  let current = -1;
  const next = () => {
    if (!hits.length) return;
    current = (current + 1) % hits.length;
    count.textContent = `${current + 1}/${hits.length}`;
    show(hits[current]);
  };
  const search = () => {
    hits = find(field.value.trim().toLowerCase());
    current = -1;
    count.textContent = field.value.trim() ? "0/0" : "";
    next();
  };
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") next();
    if (event.key === "Escape") field.blur();
  });
  section.querySelector("[data-find-next]").addEventListener("click", next);
  section.querySelector(".transcript-search").hidden = false;
  return { field, search };
}

/** Open the transcript in `section`; null when there are no words yet. */
export function openTranscript(section) {
  const list = section?.querySelector("[data-lines]");
  if (!list) return null;
  const follow = section.querySelector("[data-follow]");
  if (follow) follow.closest("label").hidden = false;
  const acts = section.querySelector("[data-line-acts]");
  let lines = new Map(); // by element
  let lineAt = null;
  let wordAt = null; // made when the sound first moves
  let lit = null;
  let current = null;

  const near = new IntersectionObserver(
    (seen) => {
      for (const { target, isIntersecting } of seen) {
        if (!isIntersecting) continue;
        lines.get(target)?.ready();
        near.unobserve(target);
      }
    },
    { root: list, rootMargin: `${NEAR} 0px` },
  );
  const read = () => {
    near.disconnect();
    const elements = [...list.querySelectorAll(".line")];
    lines = new Map(elements.map((element) => [element, lines.get(element) ?? new Line(element, acts)]));
    lineAt = byTime([...lines.values()]);
    wordAt = null;
    for (const element of lines.keys()) near.observe(element);
    if (search.field.value) search.search();
  };
  const setCurrent = (line, scroll) => {
    if (line === current) return;
    current?.element.classList.remove("current");
    line?.element.classList.add("current");
    current = line;
    if (line && scroll) centre(list, line.element);
  };
  const light = (seconds, scroll = follow?.checked ?? false) => {
    wordAt ??= byTime([...lines.values()].flatMap((line) => line.words));
    const word = wordAt(seconds);
    const saying = word && seconds <= word.end + 0.15 ? word : null;
    if (saying !== lit) {
      lit?.element.classList.remove("now");
      saying?.line.ready();
      saying?.element.classList.add("now");
      lit = saying;
    }
    setCurrent(lit?.line ?? lineAt(seconds) ?? null, scroll);
  };
  const find = (wanted) => [...lines.values()].filter((line) => line.mark(wanted));
  const search = openSearch(section, find, (line) => centre(list, line.element));
  read();
  return {
    /** Read the lines again, after some were exchanged. */
    read,
    light,
    show: (seconds) => light(seconds, true),
    focusSearch: () => {
      search.field.focus();
      search.field.select();
    },
  };
}
