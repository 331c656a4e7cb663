// Makes the pages live. Without it they say the same; with it they need no reloading.

const every = (selector, root = document) => root.querySelectorAll(selector);

// A position that runs on: data-position in seconds, data-at the server's instant (ms), data-limit the runtime.
const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};

let offset = 0; // how far the server's clock is ahead of this one, in ms

function tick() {
  const now = Date.now() + offset;
  for (const each of every("[data-runs]")) {
    const { position, at, limit, counts } = each.dataset;
    const passed = each.dataset.runs === "true" ? Math.max(0, now - Number(at)) / 1000 : 0;
    const here = Math.min(Number(position) + passed, limit ? Number(limit) : Infinity);
    for (const text of every("[data-position-text]", each)) text.textContent = clock(here);
    for (const left of every("[data-counts-text]", each)) {
      const rest = Number(counts) - passed;
      left.textContent = rest > 0 ? `counts in ${clock(rest)}` : "counts";
    }
    for (const head of every("[data-head]", each)) {
      if (limit) head.setAttribute("x", String((Number(head.dataset.width) * here) / Number(limit)));
    }
  }
}

// Parts of the page that the server tells anew: an event named like the part's id brings its content.
function listen(page) {
  const state = document.getElementById("connection");
  const say = (text, kind) => {
    if (!state || state.dataset.kind === kind) return;
    state.dataset.kind = kind;
    state.textContent = text;
  };
  const source = new EventSource(page.dataset.stream);
  source.addEventListener("open", () => say("live", "live"));
  source.addEventListener("error", () => say("connection lost, trying again", "lost"));
  source.addEventListener("part", (event) => {
    const { id, html, now } = JSON.parse(event.data);
    if (now) offset = now - Date.now();
    const part = document.getElementById(id);
    if (!part || part.contains(document.activeElement)) return;
    part.innerHTML = html;
    tick();
  });
  source.addEventListener("reload", () => location.reload());
  addEventListener("pagehide", () => source.close());
}

// A form that says what it would do: its fields are sent to data-preview, the answer is shown in data-preview-in.
function preview(form) {
  const into = document.getElementById(form.dataset.previewIn);
  let waiting = 0;
  let asked = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = ++asked;
      const fields = new URLSearchParams(new FormData(form));
      fields.delete("_csrf_token");
      into.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(`${form.dataset.preview}?${fields}`, { headers: { accept: "text/html" } });
        if (mine === asked) into.innerHTML = await answer.text();
      } finally {
        if (mine === asked) into.removeAttribute("aria-busy");
      }
    }, 350);
  });
}

function copy(button) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

for (const page of every("[data-stream]")) listen(page);
for (const form of every("form[data-preview]")) preview(form);
for (const button of every("button[data-copy]")) copy(button);
for (const range of every("input[data-shown-in]")) {
  const shown = document.getElementById(range.dataset.shownIn);
  range.addEventListener("input", () => { shown.textContent = range.value + (shown.dataset.unit ?? ""); });
}
for (const form of every("form[data-at-once]")) {
  form.addEventListener("change", () => form.requestSubmit());
  for (const button of every("[data-without-script]", form)) button.hidden = true;
}
for (const form of every("form[data-ask]")) {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.ask)) event.preventDefault(); });
}
// Pictures that do not come leave their stand-in visible.
addEventListener("error", (event) => { if (event.target.matches?.(".poster img")) event.target.remove(); }, true);
for (const image of every(".poster img")) if (image.complete && !image.naturalWidth) image.remove();

if (document.querySelector("[data-runs]") || document.querySelector("[data-stream]")) {
  tick();
  setInterval(tick, 1000);
}
