// Makes the pages live. Without it they say the same; with it they need no reloading.

const every = (selector, root = document) => root.querySelectorAll(selector);

// A position that runs on: data-position in seconds, data-at the server's instant (ms), data-limit the runtime.
const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};

// Durations and times gone by, in the words of the server's pages.
const forLong = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
};
const ago = (seconds) => {
  if (seconds < 1) return "now";
  if (seconds < 90) return `${Math.floor(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
};

// How a playback stands: paused since then, heard until then, and due to end (all in ms).
const SILENT_MS = 35000;
function stands({ paused, heard, due }, now) {
  if (due && now >= Number(due)) return "ending";
  if (paused) return `paused for ${forLong((now - Number(paused)) / 1000)}`;
  const silent = now - Number(heard);
  return silent <= SILENT_MS ? "playing" : `not heard from for ${forLong(silent / 1000)}`;
}

const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

let offset = 0; // how far the server's clock is ahead of this one, in ms

function tick() {
  const now = Date.now() + offset;
  for (const each of every("[data-runs]")) {
    const { position, at, until, limit } = each.dataset;
    const heard = until ? Math.min(now, Number(until)) : now;
    const passed = each.dataset.runs === "true" ? Math.max(0, heard - Number(at)) / 1000 : 0;
    const here = Math.min(Number(position) + passed, limit ? Number(limit) : Infinity);
    for (const text of every("[data-position-text]", each)) put(text, clock(here));
    for (const left of every("[data-counts-text]", each)) {
      const rest = Number(left.dataset.counts) - passed;
      put(left, rest > 0 ? `counts in ${clock(Math.ceil(rest))}` : "counts");
    }
    for (const bar of every("[data-bar]", each)) bar.value = here;
    for (const line of limit ? every(".pic-here", each) : []) {
      const x = String(Math.min(998, Math.max(2, (1000 * here) / Number(limit))));
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
  }
  for (const state of every("[data-state-text]")) put(state, stands(state.dataset, now));
  for (const time of every("[data-ago]")) put(time, ago((now - Number(time.dataset.ago)) / 1000));
}

// Parts of the page that the server tells anew: an event named like the part's id brings its content.
const AGAIN_MS = 30000;
function listen(page) {
  const state = document.getElementById("connection");
  const say = (text, kind) => {
    if (!state || state.dataset.kind === kind) return;
    state.dataset.kind = kind;
    state.textContent = text;
  };
  if (page.dataset.now) offset = Number(page.dataset.now) - Date.now();
  delete page.dataset.now; // later it is old
  const source = new EventSource(page.dataset.stream);
  source.addEventListener("open", () => say("live", "live"));
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return say("connection lost, trying again", "lost");
    say("not live just now: reload to see what is new", "closed"); // refused: signed out, or too many listen
    setTimeout(() => listen(page), AGAIN_MS);
  });
  source.addEventListener("part", (event) => {
    const { id, html, now } = JSON.parse(event.data);
    if (now) offset = now - Date.now();
    const part = document.getElementById(id);
    if (part) replace(part, html);
  });
  source.addEventListener("reload", () => location.reload());
  source.addEventListener("submit", (event) => document.getElementById(JSON.parse(event.data).id)?.requestSubmit());
  addEventListener("pagehide", () => source.close());
}

// A part in which somebody is at work is told anew once they have left it.
const waiting = new WeakMap();
function replace(part, html) {
  const isNew = !waiting.has(part);
  if (part.contains(document.activeElement)) {
    waiting.set(part, html);
    if (!isNew) return;
    part.addEventListener("focusout", () => setTimeout(() => {
      const latest = waiting.get(part);
      waiting.delete(part);
      replace(part, latest);
    }), { once: true });
    return;
  }
  waiting.delete(part);
  part.innerHTML = html;
  tick();
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
