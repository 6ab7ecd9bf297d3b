// Dialogs, toasts, light and dark, clocks that tick, charts that answer the pointer. Everything works without it, less well.
"use strict";

const leadpact = (window.leadpact = {});

leadpact.openDialog = (id) => {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  dialog.showModal();
  const first = dialog.querySelector("[autofocus], input:not([type=hidden]), select, textarea");
  if (first) first.focus();
};

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    leadpact.openDialog(opener.dataset.opens);
    return;
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
    return;
  }
  // A click beside an open dialog closes it.
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
    return;
  }
  const copier = event.target.closest("[data-copies]");
  if (copier) {
    const field = document.getElementById(copier.dataset.copies);
    field.select();
    navigator.clipboard?.writeText(field.value).then(() => leadpact.toast("Copied."));
    return;
  }
  if (event.target.closest("[data-theme-switch]")) leadpact.switchTheme();
});

leadpact.switchTheme = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
};

leadpact.toast = (text, href, action) => {
  const drawn = document.getElementById("toast").content.cloneNode(true);
  drawn.querySelector("p").textContent = text;
  const link = drawn.querySelector("a");
  if (href) {
    link.href = href;
    link.textContent = action;
    link.hidden = false;
  }
  const box = drawn.querySelector(".toast");
  drawn.querySelector("button").addEventListener("click", () => box.remove());
  document.getElementById("toasts").replaceChildren(drawn);
  if (!href) setTimeout(() => box.remove(), 6000);
};

// Forms: one answer a click. A second press while the first is under way would be a second answer.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Clocks. The words are those of leadpact/kit/formats.py.
const MINUTE = 60, HOUR = 3600, DAY = 86400;

leadpact.lasts = (seconds) => {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) {
    const hours = Math.floor(seconds / HOUR), minutes = Math.floor((seconds % HOUR) / MINUTE);
    return minutes && hours < 6 ? `${hours} h ${minutes} min` : `${hours} h`;
  }
  const days = Math.floor(seconds / DAY);
  return `${days} day${days === 1 ? "" : "s"}`;
};

const tick = () => {
  const now = Date.now() / 1000 + leadpact.drift;
  for (const time of document.querySelectorAll("time[data-due]")) {
    const left = Number(time.dataset.due) / 1e6 - now;
    if (left > 12 * HOUR || left < -90 * DAY) continue;
    time.textContent = left < 0 ? `${leadpact.lasts(Math.max(-left, 1))} late` : `${leadpact.lasts(left)} left`;
    const clock = time.closest(".clock");
    if (clock) {
      clock.classList.toggle("late", left < 0);
      clock.classList.toggle("soon", left >= 0 && left < 2 * HOUR);
    }
  }
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const gone = now - Number(time.dataset.ago) / 1e6;
    if (gone >= 45 && gone < 90 * DAY) time.textContent = `${leadpact.lasts(gone)} ago`;
  }
};
// The server's clock is the one that counts (a rehearsal's clock is not the wall's).
leadpact.drift = Number(document.body.dataset.now || Date.now() * 1000) / 1e6 - Date.now() / 1000;
setInterval(tick, 10000);

// Charts: the words a screen reader hears, beside the pointer.
let tip = null;
document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest?.(".chart-drawing [aria-label][role=graphics-symbol]");
  tip?.remove();
  tip = null;
  if (!mark) return;
  tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.textContent = mark.getAttribute("aria-label");
  document.body.append(tip);
  tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${event.clientY + 16}px`;
});

// Somebody's first visit: their device knows the time zone; what was chosen already stays.
for (const zone of document.querySelectorAll("select[data-zone]")) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone.value === "UTC" && [...zone.options].some((option) => option.value === here)) zone.value = here;
}
