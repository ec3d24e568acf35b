"""What a reader's browser does with the pages; runs where Chromium is installed."""

import base64
import html
import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.generate.images.vae import ImageVAE
from ansatz.generate.images.vae_walk import latent_walk
from ansatz.results.report import Live, Section, render
from ansatz.results.text_film import Frame, live

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")

PROBE = """<!doctype html><body><iframe id="f" style="width:WIDTHpx;height:900px;border:0"></iframe>
<pre id="o"></pre>
<script>
const frame = document.getElementById("f"), out = document.getElementById("o");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement, width = root.clientWidth;
  const inScroll = e => e.closest(".scroll") || e.closest("svg");
  const beyond = e => !inScroll(e) && e.getBoundingClientRect().right > width + 1;
  const wide = [...page.body.querySelectorAll("*")].filter(beyond);
  const figures = [...page.querySelectorAll("figure > svg")].map(e => e.getBoundingClientRect());
  const styleOf = e => frame.contentWindow.getComputedStyle(e);
  const label = page.querySelector("figure > svg text");
  out.textContent = JSON.stringify({
    scroll: root.scrollWidth - width, wide: wide.map(e => e.tagName + "." + e.className),
    flat: figures.filter(r => r.height < 40 || r.width < 40).length,
    figures: figures.length,
    background: styleOf(page.body).backgroundColor, text: styleOf(page.body).color,
    label: label ? styleOf(label).fill : "", smallest: label ? label.getBoundingClientRect().height : 0});
};
frame.srcdoc = new TextDecoder().decode(Uint8Array.from(atob("DATA"), c => c.charCodeAt(0)));
</script></body>"""


def probe(page, width, folder, *, dark=False, template=PROBE):
    """Lay the page out in a frame of that width and return what was measured."""
    data = base64.b64encode(page.encode()).decode()
    (folder / "probe.html").write_text(
        template.replace("WIDTH", str(width)).replace("DATA", data), encoding="utf-8"
    )
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *scheme,
        f"--user-data-dir={folder / 'profile'}", "--window-size=1300,1000", "--virtual-time-budget=5000",
        "--dump-dom", (folder / "probe.html").as_uri(),
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=True)
    found = re.search(r'<pre id="o">(\{.*?\})</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-500:]
    return json.loads(found[1])


@pytest.mark.parametrize("width", [360, 1100])
def test_no_page_scrolls_sideways(example_report, example_index, tmp_path, width):
    for page in (example_report, example_index):
        seen = probe(page, width, tmp_path)
        assert seen["scroll"] <= 0 and seen["wide"] == [] and seen["flat"] == 0


@pytest.fixture
def visits():
    """A server on this machine and the list of what was asked of it."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_policy_of_a_page_stops_what_would_leave_it(example_index, tmp_path, visits):
    address, asked = visits
    script = f'<script>fetch("{address}/script")</script>'
    fault = f'<div style="width:900px">x</div><img src="{address}/image.png">{script}'
    probe(example_index.replace("</main>", fault + "</main>"), 360, tmp_path)
    assert asked == []
    loose = re.sub("<meta http-equiv[^>]*>", "", example_index).replace("</main>", fault + "</main>")
    seen = probe(loose, 360, tmp_path)
    assert "/image.png" in asked and seen["scroll"] > 0 and "DIV." in seen["wide"]


def test_figures_are_laid_out_and_their_text_is_readable_on_a_phone(example_report, tmp_path):
    seen = probe(example_report, 390, tmp_path)
    assert seen["figures"] == 13 and seen["smallest"] >= 8


def test_dark_and_light_pages_have_contrast_and_figures_follow(example_report, tmp_path):
    light, dark = probe(example_report, 800, tmp_path), probe(example_report, 800, tmp_path, dark=True)

    def brightness(color):
        return sum(map(int, re.findall(r"\d+", color)[:3])) / 3

    assert brightness(light["background"]) > 200 > 80 > brightness(light["text"])
    assert brightness(dark["background"]) < 60 < 180 < brightness(dark["text"])
    assert brightness(dark["label"]) > brightness(light["label"]) + 40


WALK = """<!doctype html><body><iframe id="f" style="width:900px;height:900px"></iframe>
<pre id="o"></pre><script>
const frame = document.getElementById("f");
frame.onload = () => {
  const page = frame.contentDocument, canvas = page.querySelector(".latent-walk canvas");
  const slider = page.querySelector(".latent-walk input");
  const seen = () => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
  const before = seen();
  slider.value = slider.value > 0 ? -3 : 3;
  slider.dispatchEvent(new frame.contentWindow.Event("input"));
  const moved = seen();
  page.querySelector(".latent-walk button").click();
  document.getElementById("o").textContent = JSON.stringify({before, moved, back: seen()});
};
frame.srcdoc = new TextDecoder().decode(Uint8Array.from(atob("DATA"), c => c.charCodeAt(0)));
</script></body>"""


def test_the_sliders_of_a_latent_walk_move_the_image(tmp_path):
    recipe = ImageVAE(latent=3, width=16, depth=1)
    model = recipe.model((6, 5, 1), np.zeros(30), 1.0, jax.random.key(0))
    walk = latent_walk(model, (6, 5, 1), np.eye(3))
    page = render([Section("Walk", [Live(walk, "Move a slider")])], "t")
    seen = probe(page, 900, tmp_path, template=WALK)
    before, moved, back = (np.array(seen[name]).reshape(6, 5, 4) for name in ("before", "moved", "back"))
    assert (before[..., 3] == 255).all() and np.ptp(before[..., 0]) > 10
    assert np.abs(moved - before).max() > 10 and np.array_equal(before, back)
    codes = np.array([[1.0, 0, 0], [-3, 0, 0], [1, 0, 0]])
    for image, code in zip((before, moved, back), codes, strict=True):
        exact = jax.nn.sigmoid(model.decoder(jnp.asarray(code, jnp.float32))).reshape(6, 5)
        assert np.abs(image[..., 0] - 255 * np.asarray(exact)).max() < 1.5
    without = page.replace("script-src", "img-src")
    (tmp_path / "f").mkdir()
    assert not any(probe(without, 900, tmp_path / "f", template=WALK)["before"])


FILM = """<!doctype html><body><iframe id="f" style="width:900px;height:900px"></iframe>
<pre id="o"></pre><script>
const frame = document.getElementById("f");
frame.onload = () => {
  const page = frame.contentDocument, film = page.querySelector(".text-film");
  const slider = film.querySelector("input"), seen = [];
  const look = () => seen.push([film.querySelector("pre").textContent, slider.value]);
  look();
  film.querySelector('[data-move="1"]').click();
  look();
  slider.value = 2;
  slider.dispatchEvent(new frame.contentWindow.Event("input"));
  look();
  film.querySelector('[data-move="1"]').click();
  look();
  film.querySelector("[data-play]").click();
  look();
  setTimeout(() => { look(); document.getElementById("o").textContent = JSON.stringify({seen}); }, 3000);
};
frame.srcdoc = new TextDecoder().decode(Uint8Array.from(atob("DATA"), c => c.charCodeAt(0)));
</script></body>"""


def test_a_film_is_stepped_slid_and_played_to_its_end(tmp_path):
    block = live([Frame(text, f"step {text}") for text in ("a <b>", "c", "d")], "A film.")
    page = render([Section("A film", [block])], "Film")
    seen = [[html.unescape(text), at] for text, at in probe(page, 900, tmp_path, template=FILM)["seen"]]
    assert seen == [["a <b>", "0"], ["c", "1"], ["d", "2"], ["d", "2"], ["a <b>", "0"], ["d", "2"]]
