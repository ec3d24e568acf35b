const GRID = 8000, HALO = 2.6, TENTHS = 10;
const $ = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer;
const steps = JSON.parse($("film").textContent).map(({ curves, width }) => ({
  width,
  curves: curves.map(([ends, marks]) => {
    const xy = new Int16Array(bytes(ends)), z = new Int8Array(bytes(marks)), n = z.length / 3;
    return { n, start: xy.subarray(0, 2 * n), end: xy.subarray(2 * n), low: z.subarray(0, n),
             high: z.subarray(n, 2 * n), shown: z.subarray(2 * n) };
  }),
}));
const canvas = $("drawing"), slider = $("slider"), play = $("play"), said = $("said");
const items = [...document.querySelectorAll("#steps button")];
const most = steps.length * TENTHS;
let position = 0, running = 0, last = 0;

const mix = (a, b, t) => a + t * (b - a);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The cubic curves through closed points, with tangents of parabolas at chord lengths.
function handles(x, y) {
  const n = x.length, length = [], tx = [], ty = [];
  for (let i = 0; i < n; i++) {
    const j = (i + 1) % n;
    length.push(Math.max(Math.hypot(x[j] - x[i], y[j] - y[i]), 1e-6));
  }
  for (let i = 0; i < n; i++) {
    const h = (i + n - 1) % n, j = (i + 1) % n, a = length[h], b = length[i];
    tx.push((a * (x[j] - x[i]) / b + b * (x[i] - x[h]) / a) / (a + b));
    ty.push((a * (y[j] - y[i]) / b + b * (y[i] - y[h]) / a) / (a + b));
  }
  return { length, tx, ty };
}

function draw() {
  const box = canvas.clientWidth * (window.devicePixelRatio || 1);
  if (canvas.width !== Math.round(box)) canvas.width = canvas.height = Math.round(box);
  const at = Math.min(Math.floor(position), steps.length - 1), ended = position >= steps.length;
  const time = position - at, t = time * time * (3 - 2 * time), step = steps[at];
  const pen = canvas.getContext("2d"), scale = canvas.width / 2 * 0.96 / GRID;
  const paper = color("--card"), ink = color("--ink"), bright = color("--orange");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = paper;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(scale, 0, 0, -scale, canvas.width / 2, canvas.height / 2);
  const width = mix(...step.width, t), pieces = [], over = width / 10;
  for (const { n, start, end, low, high, shown } of step.curves) {
    const x = [], y = [], z = [];
    for (let i = 0; i < n; i++) {
      x.push(mix(start[2 * i], end[2 * i], t));
      y.push(mix(start[2 * i + 1], end[2 * i + 1], t));
      z.push(mix(low[i], high[i], t));
    }
    const { length, tx, ty } = handles(x, y);
    for (let i = 0; i < n; i++) {
      const j = (i + 1) % n, third = length[i] / 3, path = new Path2D(), halo = new Path2D();
      const curve = [x[i] + tx[i] * third, y[i] + ty[i] * third,
                     x[j] - tx[j] * third, y[j] - ty[j] * third, x[j], y[j]];
      path.moveTo(x[i], y[i]);
      path.bezierCurveTo(...curve);
      // The paper of neighbours overlaps a little, or the strand below shows through the seam.
      halo.moveTo(x[i] - tx[i] * over, y[i] - ty[i] * over);
      halo.lineTo(x[i], y[i]);
      halo.bezierCurveTo(...curve);
      halo.lineTo(x[j] + tx[j] * over, y[j] + ty[j] * over);
      pieces.push([z[i] + z[j], path, halo, shown[i] && shown[j] && !ended]);
    }
  }
  pieces.sort((a, b) => a[0] - b[0]);
  for (const [, path, halo, lit] of pieces) {
    pen.lineCap = "butt"; pen.lineWidth = HALO * width; pen.strokeStyle = paper; pen.stroke(halo);
    pen.lineCap = "round"; pen.lineWidth = width; pen.strokeStyle = lit ? bright : ink; pen.stroke(path);
  }
  const text = ended ? $("summary").textContent : items[at].textContent;
  if (said.textContent !== text) said.textContent = text;
  canvas.setAttribute("aria-label", `The diagram ${ended ? "at the end" : "at step"} ${text}`);
  slider.value = Math.round(position * TENTHS);
  for (const [i, one] of items.entries()) {
    if (i === at && !ended) {
      if (one.getAttribute("aria-current") !== "step") {
        one.setAttribute("aria-current", "step");
        const list = $("steps"), top = one.offsetTop - list.offsetTop;
        if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - one.offsetHeight)
          list.scrollTop = top - list.clientHeight / 2;
      }
    } else one.removeAttribute("aria-current");
  }
}

function show(to) {
  position = Math.min(Math.max(to, 0), steps.length);
  draw();
}

function stop() {
  cancelAnimationFrame(running);
  running = 0;
  play.textContent = "play";
}

function start() {
  if (position >= steps.length) show(0);
  play.textContent = "pause";
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const pace = Math.max(1 / 1.4, steps.length / 90);
  last = performance.now();
  let wait = 0;
  const tick = (now) => {
    const gone = (now - last) / 1000 * pace;
    last = now;
    wait += gone;
    if (!still) show(position + gone);
    else if (wait >= 1) { wait = 0; show(Math.floor(position) + 1); }
    if (position >= steps.length) stop();
    else running = requestAnimationFrame(tick);
  };
  running = requestAnimationFrame(tick);
}

const jump = (to) => { stop(); show(to); };
const back = () => jump(Math.ceil(position - 1e-9) - 1), on = () => jump(Math.floor(position + 1e-9) + 1);
slider.max = most;
play.addEventListener("click", () => (running ? stop() : start()));
slider.addEventListener("input", () => jump(slider.value / TENTHS));
$("back").addEventListener("click", back);
$("on").addEventListener("click", on);
for (const [i, one] of items.entries()) one.addEventListener("click", () => jump(i));
const keys = { ArrowLeft: back, ArrowRight: on, Home: () => jump(0), End: () => jump(steps.length) };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in keys) { keys[event.key](); event.preventDefault(); }
  else if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "SUMMARY") {
    play.click();
    event.preventDefault();
  }
});
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
