// A walk through the codes of an autoencoder: its decoder, run in the page.
"use strict";
const walk = (() => {
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const half = h => {
    const sign = h & 0x8000 ? -1 : 1, power = (h >> 10) & 31, rest = h & 1023;
    if (power === 0) return sign * rest * 2 ** -24;
    if (power === 31) return rest ? NaN : sign * Infinity;
    return sign * (1 + rest / 1024) * 2 ** (power - 15);
  };
  const numbers = (text, kind) => {
    const raw = bytes(text), view = new DataView(raw.buffer);
    if (kind === "int8") return Float32Array.from(new Int8Array(raw.buffer));
    const size = kind === "float16" ? 2 : 4, out = new Float32Array(raw.length / size);
    for (let i = 0; i < out.length; i++)
      out[i] = size === 2 ? half(view.getUint16(2 * i, true)) : view.getFloat32(4 * i, true);
    return out;
  };
  const erf = x => {  // Abramowitz and Stegun 7.1.26, to 1.5e-7.
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    const p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return Math.sign(x) * (1 - p * Math.exp(-x * x));
  };
  const sigmas = {
    sigmoid: x => 1 / (1 + Math.exp(-x)), tanh: Math.tanh, relu: x => Math.max(x, 0), sin: Math.sin,
    leaky_relu: x => x > 0 ? x : 0.01 * x, elu: x => x > 0 ? x : Math.expm1(x), identity: x => x,
    silu: x => x / (1 + Math.exp(-x)), gelu: x => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  };
  // y = A x + b at each of so many places, A [out, in] from `at` on, its rows scaled and b in the small numbers.
  const affine = (data, op, x) => {
    const y = new Float32Array(op.places * op.out), {large, small} = data;
    for (let p = 0; p < op.places; p++)
      for (let o = 0; o < op.out; o++) {
        let sum = 0, a = op.at + o * op.in, q = p * op.in;
        for (let i = 0; i < op.in; i++) sum += large[a + i] * x[q + i];
        y[p * op.out + o] = sum * small[op.scale + o] + small[op.bias + o];
      }
    return y;
  };
  // The 3 × 3 neighbours of each place of a grid, one after the other, 0 beyond the border.
  const neighbours = (op, x) => {
    const y = new Float32Array(op.rows * op.columns * 9 * op.width);
    let at = 0;
    for (let r = 0; r < op.rows; r++)
      for (let c = 0; c < op.columns; c++)
        for (let i = r - 1; i <= r + 1; i++)
          for (let j = c - 1; j <= c + 1; j++, at += op.width)
            if (i >= 0 && j >= 0 && i < op.rows && j < op.columns)
              y.set(x.subarray((i * op.columns + j) * op.width, (i * op.columns + j + 1) * op.width), at);
    return y;
  };
  const join = (op, x) => {
    const y = new Float32Array(op.height * op.width * op.channels), n = op.size * op.size * op.channels;
    for (let i = 0, at = 0; i < op.height; i++)
      for (let j = 0; j < op.width; j++)
        for (let c = 0; c < op.channels; c++, at++) {
          const place = Math.floor(i / op.size) * op.columns + Math.floor(j / op.size);
          y[at] = x[place * n + ((i % op.size) * op.size + j % op.size) * op.channels + c];
        }
    return y;
  };
  const decode = (data, z) => {
    let x = Float32Array.from(z), kept = x;
    for (const op of data.operations)
      if (op.kind === "affine") x = affine(data, op, x);
      else if (op.kind === "sigma") x = x.map(sigmas[op.name]);
      else if (op.kind === "keep") kept = x;
      else if (op.kind === "add") x = x.map((value, i) => value + kept[i]);
      else if (op.kind === "shift") x = x.map((value, i) => value * op.scale + data.small[op.at + i]);
      else if (op.kind === "neighbours") x = neighbours(op, x);
      else if (op.kind === "join") x = join(op, x);
    return x;
  };
  const read = text => {
    const data = JSON.parse(text);
    data.large = numbers(data.large, data.type);
    data.small = numbers(data.small, "float32");
    return data;
  };
  const show = root => {
    const data = read(root.querySelector("script").textContent), [height, width, channels] = data.shape;
    const canvas = root.querySelector("canvas"), context = canvas.getContext("2d");
    const sliders = [...root.querySelectorAll("input")], buttons = [...root.querySelectorAll("button")];
    const picture = context.createImageData(width, height);
    let z = [...data.starts[0]];
    const draw = () => {
      const x = decode(data, z);
      for (let p = 0; p < width * height; p++) {
        for (let c = 0; c < 3; c++)
          picture.data[4 * p + c] = Math.round(255 * Math.min(1, Math.max(0, x[p * channels + (c < channels ? c : 0)])));
        picture.data[4 * p + 3] = 255;
      }
      context.putImageData(picture, 0, 0);
    };
    const start = code => {
      z = [...code];
      for (const slider of sliders) slider.value = z[slider.dataset.component];
      draw();
    };
    const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    for (const slider of sliders)
      slider.addEventListener("input", () => { z[slider.dataset.component] = +slider.value; draw(); });
    for (const button of buttons)
      button.addEventListener("click", () => start(button.dataset.start ? data.starts[button.dataset.start] : z.map(normal)));
    start(z);
  };
  return {read, decode, show};
})();
if (typeof document !== "undefined") document.querySelectorAll(".latent-walk").forEach(walk.show);
