// The words of one call: the one being said is lit, the list follows the sound, words can be searched.

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

/** Elements in order of their start time, for quick look-up: two people may speak at once, so page order is not it. */
function byTime(elements, start, end) {
  const items = [...elements]
    .map((element) => ({ element, start: Number(element.dataset[start]), end: Number(element.dataset[end]) }))
    .sort((a, b) => a.start - b.start);
  return { items, starts: items.map((item) => item.start) };
}

/** Scroll `list` so that `line` is in its middle, unless it is well in view; the page itself stays where it is. */
function centre(list, line) {
  const top = line.offsetTop - list.scrollTop;
  if (top > 0.1 * list.clientHeight && top + line.clientHeight < 0.8 * list.clientHeight) return;
  const target = line.offsetTop - list.clientHeight / 2 + line.clientHeight / 2;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  list.scrollTo({ top: target, behavior: calm || Math.abs(list.scrollTop - target) > 1500 ? "auto" : "smooth" });
}

/** Mark the words of each line that hold `text`; return the lines that do. */
function findWords(lines, text) {
  const wanted = text.trim().toLowerCase();
  const hits = [];
  for (const line of lines) {
    const shown = line.querySelector(".line-words");
    const at = wanted ? shown.textContent.toLowerCase().indexOf(wanted) : -1;
    line.classList.toggle("hit", at >= 0);
    if (at >= 0) hits.push(line);
    let position = 0;
    for (const node of shown.childNodes) {
      const end = position + node.textContent.length;
      node.classList?.toggle("found", at >= 0 && position < at + wanted.length && end > at);
      position = end;
    }
  }
  return hits;
}

function openSearch(section, lines, show) {
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
    hits = findWords(lines, field.value);
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
  if (field.value) search();
  return field;
}

/** Open the transcript in `section`; null when there are no words yet. It may be opened again after words changed. */
export function openTranscript(section) {
  const list = section?.querySelector("[data-lines]");
  if (!list) return null;
  const lines = byTime(list.querySelectorAll(".line"), "start", "end");
  const words = byTime(list.querySelectorAll(".w"), "s", "e");
  const follow = section.querySelector("[data-follow]");
  if (follow) follow.closest("label").hidden = false;
  let lit = null;
  let current = null;

  const setCurrent = (line, scroll) => {
    if (line === current) return;
    current?.classList.remove("current");
    line?.classList.add("current");
    current = line;
    if (line && scroll) centre(list, line);
  };
  const light = (seconds, scroll = follow?.checked ?? false) => {
    const word = words.items[lastBefore(words.starts, seconds + 0.01)];
    const saying = word && seconds <= word.end + 0.15 ? word.element : null;
    if (saying !== lit) {
      lit?.classList.remove("now");
      saying?.classList.add("now");
      lit = saying;
    }
    setCurrent(lit?.closest(".line") ?? lines.items[lastBefore(lines.starts, seconds + 0.01)]?.element ?? null, scroll);
  };
  const search = openSearch(section, lines.items.map((line) => line.element), (line) => centre(list, line));
  return {
    light,
    show: (seconds) => light(seconds, true),
    focusSearch: () => {
      search.focus();
      search.select();
    },
  };
}
