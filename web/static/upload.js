// The upload form: files can be dropped on it, and too many bytes are refused before they travel.

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
