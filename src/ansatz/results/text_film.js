for (const film of document.querySelectorAll(".text-film:not([data-ready])")) {
  film.dataset.ready = "";
  const { texts, frames } = JSON.parse(film.querySelector("script").textContent);
  const [text, line, slider] = ["pre", ".film-line", "input"].map((one) => film.querySelector(one));
  const button = film.querySelector("[data-play]");
  let timer = null;
  const show = (at) => {
    slider.value = Math.min(Math.max(at, 0), frames.length - 1);
    const [place, said] = frames[slider.value];
    text.textContent = texts[place];
    line.textContent = said;
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "play";
  };
  const start = () => {
    if (+slider.value === frames.length - 1) show(0);
    button.textContent = "pause";
    timer = setInterval(() => {
      show(+slider.value + 1);
      if (+slider.value === frames.length - 1) stop();
    }, Math.max(30, Math.min(400, 15000 / frames.length)));
  };
  button.addEventListener("click", () => (timer ? stop() : start()));
  slider.addEventListener("input", () => { stop(); show(+slider.value); });
  for (const one of film.querySelectorAll("[data-move]"))
    one.addEventListener("click", () => { stop(); show(+slider.value + +one.dataset.move); });
}
