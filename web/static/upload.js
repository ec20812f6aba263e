// The upload form: files can be dropped on it; too many bytes, and a staff number that nobody has, are refused
// before they travel.

const form = document.querySelector("[data-upload]");
const drop = form.querySelector("[data-drop]");
const problem = form.querySelector("[data-problem]");
const button = form.querySelector("button[type=submit]");

function totalSize() {
  const kind = form.elements.kind.value;
  const inputs = kind === "sides" ? [form.elements.agent_file, form.elements.customer_file] : [form.elements.files];
  return inputs.flatMap((input) => [...input.files]).reduce((sum, file) => sum + file.size, 0);
}

function check() {
  const tooLarge = totalSize() > Number(form.dataset.maxBytes);
  problem.textContent = tooLarge ? form.dataset.tooLarge : "";
  problem.hidden = !tooLarge;
  return !tooLarge;
}

const number = form.elements.agent;
const known = new Set([...document.querySelectorAll("#agents option")].map((option) => option.value));
const newAgent = form.querySelector("[data-new-agent]");

function checkAgent() {
  const text = number.value.trim();
  const unknown = text !== "" && !known.has(text);
  const added = newAgent?.querySelector("input").checked;
  number.setCustomValidity(unknown && !added ? number.dataset.unknown : "");
  if (newAgent) newAgent.hidden = !unknown;
}

number.addEventListener("input", checkAgent);
form.addEventListener("change", checkAgent);
checkAgent();
form.addEventListener("change", check);
form.addEventListener("submit", (event) => {
  if (!check()) {
    event.preventDefault();
    return;
  }
  button.disabled = true;
  button.querySelector("span").textContent = button.dataset.busy;
});
// Coming back to the page with the browser's own button finds the form usable again.
window.addEventListener("pageshow", () => {
  button.disabled = false;
});

for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  form.elements.files.files = event.dataTransfer.files;
  check();
});
