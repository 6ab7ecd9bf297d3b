// Keys. An element with data-key="a" is pressed by `a`; data-go="i" is reached by `g` then `i`; `?` lists what this page has.
"use strict";
(() => {
  const STORE = "leadpact.keys";
  const SEND = "mod+enter"; // Ctrl+Enter, or Command+Enter: sends the form one writes in
  const on = () => localStorage.getItem(STORE) !== "off";
  const writing = (target) => target.closest("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");
  const seen = (element) => element.getClientRects().length > 0;
  const words = (element) => (element.dataset.says || element.getAttribute("aria-label") || element.querySelector("span")?.textContent || element.textContent).trim();
  const open = () => document.querySelector("dialog[open]");
  let going = 0;

  const rows = () => [...document.querySelectorAll("[data-walk] > tbody > tr, [data-walk] > li, [data-walk] > article")].filter(seen);
  const walk = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.classList.contains("here"));
    const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? 0 : now + step))];
    all[now]?.classList.remove("here");
    next.classList.add("here");
    const link = next.querySelector("a[href], button, summary");
    link?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  // Keys that stand in several rows belong to the row in hand, else to the first.
  const find = (key) => {
    const scope = open() || document;
    const all = [...scope.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].filter(seen);
    const here = document.querySelector("[data-walk] .here");
    return all.find((element) => here?.contains(element)) || all[0];
  };

  const help = () => {
    const list = document.getElementById("help-keys");
    if (!list) return;
    const lines = [["/", "Search"], ["?", "These keys"]];
    if (rows().length) lines.push(["j", "Next row"], ["k", "Row before"], ["Enter", "Open it"]);
    const known = new Set();
    for (const element of document.querySelectorAll("[data-key]")) {
      if (!seen(element) || known.has(element.dataset.key)) continue;
      known.add(element.dataset.key);
      lines.push([element.dataset.key === SEND ? "Ctrl+Enter" : element.dataset.key, words(element)]);
    }
    for (const element of document.querySelectorAll(".side [data-go]")) lines.push([`g ${element.dataset.go}`, words(element)]);
    list.replaceChildren(...lines.flatMap(([key, text]) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.append(...key.split(" ").flatMap((one, at) => {
        const kbd = document.createElement("kbd");
        kbd.textContent = one;
        return at ? [" then ", kbd] : [kbd];
      }));
      dd.textContent = text;
      return [dt, dd];
    }));
    document.getElementById("keys-on").checked = on();
    window.leadpact.openDialog("help");
  };

  document.getElementById("keys-on")?.addEventListener("change", (event) => localStorage.setItem(STORE, event.target.checked ? "on" : "off"));
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-opens="help"]')) { document.getElementById("help")?.close(); help(); }
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.isComposing) {
      const form = event.target.closest("form");
      const target = [...(form || open() || document).querySelectorAll(`[data-key="${SEND}"]`)].find(seen);
      if (target) { event.preventDefault(); target.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !on() || writing(event.target)) return;
    const key = event.key;
    if (going && Date.now() - going < 1500) {
      going = 0;
      const target = [...document.querySelectorAll(`.side [data-go="${CSS.escape(key)}"]`)][0];
      if (target) { event.preventDefault(); target.click(); return; }
    }
    if (!open()) {
      if (key === "?") { event.preventDefault(); help(); return; }
      if (key === "/") {
        const box = [...document.querySelectorAll("main input[type=search][data-first], input[data-search]")].find(seen);
        event.preventDefault();
        if (box) box.focus(); else location.href = "/search";
        return;
      }
      if (key === "g") { going = Date.now(); return; }
      if (key === "j") { walk(1); return; }
      if (key === "k") { walk(-1); return; }
    }
    const target = find(key);
    if (target) { event.preventDefault(); target.click(); }
  });
})();
