// Keys, the preview beside a list, and a slider. Every page is whole without this: it follows the page's own links, presses its own buttons, and replaces
// parts of the page by the same parts of a page that the server made.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const typing = (element) => element.matches("input:not([type=range]), textarea, select, [contenteditable]");

async function part(address, selector, signal) {
  const answer = await fetch(address, { signal, headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return one(selector, page) || one("main", page);
}

// Lists: the chosen row has the focus.
const rows = all("#rows .row");
let chosen = -1;
let asking = new AbortController();

async function show(row) {
  const preview = one("#preview");
  if (!preview || getComputedStyle(one(".split")).display !== "grid" || window.innerWidth < 1100) return;
  asking.abort();
  asking = new AbortController();
  try {
    const found = await part(row.href, "#document", asking.signal);
    preview.hidden = false;
    one(".split").classList.add("previewing");
    preview.replaceChildren(document.adoptNode(found));
    preview.scrollTop = 0;
  } catch (error) {
    if (error.name !== "AbortError") preview.textContent = "The server does not answer: is it still running?";
  }
}

function choose(place) {
  if (!rows.length) return;
  if (chosen >= 0) rows[chosen].removeAttribute("aria-current");
  chosen = Math.max(0, Math.min(rows.length - 1, place));
  rows[chosen].setAttribute("aria-current", "true");
  rows[chosen].focus({ preventScroll: true });
  rows[chosen].scrollIntoView({ block: "nearest" });
  sessionStorage.setItem("chosen " + location.search, chosen);
  show(rows[chosen]);
}

// Spans of a text.
let span = -1;
function nextSpan() {
  const marks = all(".reader mark");
  if (!marks.length) return;
  span = (span + 1) % marks.length;
  marks[span].scrollIntoView({ block: "center" });
  location.replace("#" + marks[span].id);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (typing(event.target)) {
    const reason = event.target.name === "reason";
    if (event.key === "Escape" || (reason && event.key === "Enter")) {
      event.target.blur();
      event.preventDefault();
    }
    return;
  }
  const keyed = all("[data-key]").find((element) => element.dataset.key.split(" ").includes(event.key));
  if (keyed && !(event.key.startsWith("Arrow") && event.target.matches(".reader, input"))) {
    event.preventDefault();
    if (keyed.matches("input")) keyed.focus();
    else keyed.click();
  } else if (event.key === "?") {
    one("#help").showModal();
  } else if (event.key === "/" && one("#search")) {
    event.preventDefault();
    one("#search").focus();
  } else if (event.key === "s") {
    nextSpan();
  } else if (rows.length && (event.key === "j" || event.key === "k")) {
    choose(chosen + (event.key === "j" ? 1 : chosen < 0 ? 1 : -1));
  }
});

if (rows.length) {
  const before = Number(sessionStorage.getItem("chosen " + location.search) ?? -1);
  if (before >= 0) choose(before);
  rows.forEach((row, place) => row.addEventListener("focus", () => place !== chosen && choose(place)));
}
const keys = one("#keys");
keys.hidden = false;
keys.addEventListener("click", () => one("#help").showModal());

// A label is asked for before its page is left, and given once.
one(".judge")?.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => one(".judge")?.removeAttribute("data-sent"));

// The slider and the number move together; the effect follows.
const slider = one("#slider");
if (slider) {
  const number = one("#threshold");
  const form = one("#move");
  one(".slider").hidden = false;
  let waiting = 0;
  const follow = () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      asking.abort();
      asking = new AbortController();
      const address = form.getAttribute("action") + "?" + new URLSearchParams(new FormData(form));
      try {
        const found = await part(address, "main", asking.signal);
        const effect = one("#effect", found);
        if (effect) {
          one("#effect").replaceWith(document.adoptNode(effect));
          one("#chart").replaceWith(document.adoptNode(one("#chart", found)));
        } else one("#effect").replaceChildren(...found.childNodes);
        history.replaceState(null, "", address);
      } catch (error) {
        if (error.name !== "AbortError") one("#effect").textContent = "The server does not answer: is it still running?";
      }
    }, 120);
  };
  slider.addEventListener("input", () => {
    number.value = slider.step === "1" ? slider.value : String(Number(Number(slider.value).toPrecision(4)));
    follow();
  });
  number.addEventListener("input", () => {
    slider.value = number.value;
    follow();
  });
}
one("#rule")?.addEventListener("change", (event) => event.target.form.requestSubmit());
