// A case: a click on a turn's time plays from there.

const sound = document.querySelector("[data-case-sound]");

document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-case-seek]");
  if (!place || !sound) return;
  sound.currentTime = Number(place.dataset.caseSeek);
  sound.play();
});
