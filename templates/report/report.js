"use strict";
// The page is whole without this: it only folds, filters and groups what already stands there.
(() => {
  const page = document.documentElement;
  const form = document.getElementById("filter");

  const THEMES = ["system", "light", "dark"];
  const theme = document.getElementById("theme");
  const kept = (name) => {
    try { return localStorage.getItem("groundplan-theme") || name; } catch { return name; }
  };
  const dress = (name) => {
    if (name === "system") delete page.dataset.theme;
    else page.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
    try { localStorage.setItem("groundplan-theme", name); } catch { /* a page from a file may keep nothing */ }
  };
  theme.hidden = false;
  dress(THEMES.includes(kept("system")) ? kept("system") : "system");
  theme.addEventListener("click", () => {
    const now = page.dataset.theme || "system";
    dress(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
  });

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  if (!form) {
    addEventListener("hashchange", reveal);
    reveal();
    return;
  }

  const KEYS = ["family", "tool", "path", "text", "group"];
  const SEVERITIES = ["critical", "high", "medium", "low", "info"];
  const list = document.getElementById("list");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const fold = document.getElementById("fold");
  const cards = [...list.querySelectorAll(".finding")];
  const order = new Map(cards.map((card, number) => [card, number]));
  const words = new Map();
  let grouped = "path";

  const said = (card) => {
    if (!words.has(card)) words.set(card, card.textContent.toLowerCase());
    return words.get(card);
  };

  const wanted = () => {
    const given = new FormData(form);
    const one = Object.fromEntries(KEYS.map((key) => [key, String(given.get(key) || "").trim()]));
    return { ...one, severity: given.getAll("severity") };
  };

  const matches = (card, want, terms) =>
    (!want.severity.length || want.severity.includes(card.dataset.severity)) &&
    (!want.family || want.family === card.dataset.family) &&
    (!want.tool || want.tool === card.dataset.tool) &&
    (!want.path || card.dataset.path.includes(want.path)) &&
    terms.every((term) => said(card).includes(term));

  const rank = (by, key) => (by === "severity" ? SEVERITIES.indexOf(key) : 0);

  const group = (by) => {
    const groups = new Map();
    const worst = (card) => SEVERITIES.indexOf(card.dataset.severity);
    const sorted = by === "none" ? [...cards].sort((a, b) => worst(a) - worst(b) || order.get(a) - order.get(b)) : cards;
    for (const card of sorted) {
      const key = by === "none" ? "every finding, the worst first" : card.dataset[by];
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(card);
    }
    const names = [...groups.keys()];
    if (by !== "path") names.sort((a, b) => rank(by, a) - rank(by, b) || (a < b ? -1 : a > b ? 1 : 0));
    const made = names.map((name) => {
      const details = document.createElement("details");
      details.className = "group";
      details.open = true;
      details.innerHTML = "<summary><h3><code></code></h3> <span class=\"count\"></span></summary>";
      details.querySelector("code").textContent = name || "(no file)";
      details.append(...groups.get(name));
      return details;
    });
    list.replaceChildren(...made);
    grouped = by;
  };

  const apply = () => {
    const want = wanted();
    const terms = want.text.toLowerCase().split(/\s+/).filter(Boolean);
    if (want.group !== grouped) group(want.group);
    let number = 0;
    for (const details of list.children) {
      let here = 0;
      let all = 0;
      for (const card of details.children) {
        if (card.tagName !== "ARTICLE") continue;
        card.hidden = !matches(card, want, terms);
        all += 1;
        here += card.hidden ? 0 : 1;
      }
      details.hidden = !here;
      details.querySelector(".count").textContent = here === all ? String(all) : `${here} of ${all}`;
      number += here;
    }
    shown.textContent = `${number} of ${cards.length} findings`;
    nothing.hidden = number > 0;
    page.dataset.shown = String(number);
    return want;
  };

  const keep = (want) => {
    const told = new URLSearchParams();
    if (want.severity.length) told.set("severity", want.severity.join(","));
    for (const key of KEYS) if (want[key] && `${key}=${want[key]}` !== "group=path") told.set(key, want[key]);
    const hash = told.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
    try { history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search); } catch { /* as it is */ }
  };

  // a link from another report may name a family that has no findings here: nothing is shown then, not everything
  const choose = (field, value) => {
    field.value = value;
    if (field.value === value || field.name === "group") return;
    field.add(new Option(`${value} (0)`, value));
    field.value = value;
  };

  const read = () => {
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) {
      if (!hash) form.reset();
      apply();
      return reveal();
    }
    const told = new URLSearchParams(hash);
    form.reset();
    const severities = (told.get("severity") || "").split(",");
    for (const box of form.querySelectorAll("[name=severity]")) box.checked = severities.includes(box.value);
    for (const key of KEYS) if (told.has(key)) choose(form.elements[key], told.get(key));
    if (!form.elements.group.value) form.elements.group.value = "path";
    apply();
    document.getElementById("findings").scrollIntoView();
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => keep(apply()), 120);
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", soon);
  form.addEventListener("reset", () => setTimeout(() => keep(apply()), 0));
  fold.addEventListener("click", () => {
    const open = fold.textContent !== "Fold all";
    for (const details of list.children) details.open = open;
    fold.textContent = open ? "Fold all" : "Unfold all";
  });
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    form.elements.text.focus();
  });
  addEventListener("hashchange", read);
  read();
})();
