// The rule workbench: line numbers beside the text, from an error to its line, from a reason to its words.

const yaml = () => document.getElementById("rules-yaml");
let saved = yaml().value;

function number() {
  const count = yaml().value.split("\n").length;
  const lines = document.getElementById("yaml-lines");
  lines.textContent = Array.from({ length: count }, (_, at) => at + 1).join("\n");
  lines.scrollTop = yaml().scrollTop;
}

/** Put the cursor at the beginning of a line of the text, in sight. */
function showLine(line) {
  const text = yaml();
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  scrollToLine(line);
  text.focus({ preventScroll: true });
  text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  scrollToLine(line);
}

function scrollToLine(line) {
  const text = yaml();
  text.scrollTop = Math.max(0, (line - 3) * Number.parseFloat(getComputedStyle(text).lineHeight));
  text.scrollLeft = 0;
}

function lights(number) {
  return document.querySelectorAll(`[data-lit~="${number}"]`);
}

function shine(number, on) {
  for (const word of lights(number)) word.classList.toggle("strong", on);
}

document.addEventListener("input", (event) => {
  if (event.target === yaml()) number();
});

// Scrolling does not bubble: it is caught on its way down.
document.addEventListener(
  "scroll",
  (event) => {
    if (event.target === yaml()) document.getElementById("yaml-lines").scrollTop = yaml().scrollTop;
  },
  true,
);

document.addEventListener("click", (event) => {
  const line = event.target.closest("[data-line]");
  if (line) showLine(Number(line.dataset.line));
  const light = event.target.closest("[data-light]");
  if (light) {
    const [first] = lights(light.dataset.light);
    first?.scrollIntoView({ block: "center", behavior: "smooth" });
  }
  // The call's number is not meant when the dialogue is tried.
  if (event.target.closest("[data-clears-call]")) {
    const call = document.querySelector("[data-call]");
    if (call) call.value = "";
  }
});

for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
  document.addEventListener(name, (event) => {
    const reason = event.target.closest?.("[data-shows]");
    if (reason) shine(reason.dataset.shows, on);
    const word = event.target.closest?.("[data-lit]");
    if (!word) return;
    for (const number of word.dataset.lit.split(" ")) {
      for (const one of document.querySelectorAll(`[data-shows="${number}"]`)) one.classList.toggle("strong", on);
    }
  });
}

document.addEventListener("htmx:afterSwap", () => number());
document.addEventListener("htmx:oobAfterSwap", () => number());

// Choosing a rule shows it in the text, too.
document.addEventListener("change", (event) => {
  if (event.target.id !== "chosen-rule") return;
  const [chosen] = event.target.selectedOptions;
  if (chosen) scrollToLine(Number(chosen.dataset.at));
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "activate" && !event.defaultPrevented) saved = yaml().value;
});

window.addEventListener("beforeunload", (event) => {
  if (yaml().value !== saved) event.preventDefault();
});

number();
