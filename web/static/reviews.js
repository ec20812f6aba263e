// Reviews: play a moment of the call, and keep "no deduction" and deductions apart.

const player = document.getElementById("player");

document.addEventListener("click", (event) => {
  const moment = event.target.closest("[data-seek]");
  if (!moment || !player) return;
  player.currentTime = Math.max(0, Number(moment.dataset.seek) - 0.3);
  player.play();
});

document.addEventListener("change", (event) => {
  const input = event.target;
  const question = input.closest(".question");
  if (!question || !input.checked) return;
  if (input.name.startsWith("deduct-")) {
    for (const choice of question.querySelectorAll('input[type="radio"]')) choice.checked = false;
  } else if (input.type === "radio") {
    for (const deduction of question.querySelectorAll('input[name^="deduct-"]')) deduction.checked = false;
  }
});
