"use strict";

// What each status is called in the room, in the order in which they are counted.
const WORDS = { fixed: "fixed", present: "still there", broken: "broken", error: "not judged", untouched: "untouched" };
const SILENT = 30000; // milliseconds without a word after which the board is looked for again
const AGAIN = 2000;

const $ = (id) => document.getElementById(id);
let state = null;
let source = null;
let heard = 0;
let retry = null;

// The door: the token is exchanged for a cookie, and leaves the address at once.

async function open(token) {
  const answer = await fetch("open", { method: "POST", body: JSON.stringify({ token }) });
  return answer.ok;
}

async function begin() {
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);
    try {
      if (!(await open(token))) return knock("That token is not this board's: start `kata board` again and read it there.");
    } catch {
      return knock("The board does not answer.");
    }
  }
  follow();
}

function knock(why) {
  state = null;
  for (const id of ["learners", "findings", "how-many", "where-stuck", "join"]) $(id).replaceChildren();
  $("room").hidden = true;
  $("door").hidden = false;
  $("refused").textContent = why || "";
}

$("door").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    if (!(await open($("token").value.trim().replace(/^.*#/, "")))) return knock("That is not this board's token.");
  } catch {
    return knock("The board does not answer.");
  }
  $("token").value = "";
  $("door").hidden = true;
  follow();
});

// What goes on: followed until the page is closed, whatever happens to the board or to this laptop.

function follow() {
  clearTimeout(retry);
  if (source) source.close();
  heard = Date.now();
  source = new EventSource("events");
  source.addEventListener("change", hear);
  source.addEventListener("beat", hear);
  source.onerror = lost;
}

function hear(event) {
  heard = Date.now();
  state = JSON.parse(event.data);
  $("door").hidden = true;
  $("room").hidden = false;
  say("connection", "");
  show();
}

async function lost() {
  if (state) say("connection", `no board since ${new Date(heard).toLocaleTimeString([], { timeStyle: "short" })}`);
  if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
  clearTimeout(retry);
  retry = setTimeout(follow, AGAIN);
  try {
    if ((await fetch("open")).status === 401) {
      clearTimeout(retry);
      source.close();
      knock();
    }
  } catch {
    // nobody is there yet
  }
}

setInterval(() => {
  if (source && $("door").hidden && Date.now() - heard > SILENT) follow();
}, 5000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && source && Date.now() - heard > SILENT) follow();
});

// How it is shown. Text is only ever set as text.

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function sign(status) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "sign");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${status}`);
  svg.append(use);
  return svg;
}

function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function standing(cell, status) {
  if (cell.dataset.status === status) return;
  cell.dataset.status = status;
  const word = status ? WORDS[status] : "not judged yet";
  cell.replaceChildren(...(status ? [sign(status)] : []), make("span", { class: "said" }, word));
}

function show() {
  const numbersOnly = !state.who || $("counts-only").getAttribute("aria-pressed") === "true";
  document.body.classList.toggle("wide", numbersOnly);
  $("counts-only").hidden = !state.who;
  say("how-many", `${state.learners} ${state.learners === 1 ? "learner" : "learners"}`);
  say("where-stuck", stuck());
  say("join", state.join);
  $("learners").hidden = numbersOnly;
  if (numbersOnly) $("learners").replaceChildren();
  else showLearners();
  if (numbersOnly) showTitles();
  else showNumbers();
}

function stuck() {
  const where = state.stuck
    .map((id) => state.findings.find((finding) => finding.id === id))
    .map((finding) => `${finding.stuck} at ${finding.id}${finding.minutes ? ` for ${finding.minutes} min` : ""}`)
    .join(", ");
  return where && `stuck: ${where}`;
}

const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;

function showLearners() {
  state.who.sort((one, other) => inOrder(one.name, other.name));
  const ids = state.findings.map((finding) => finding.id);
  const blocks = state.who.length <= 12 ? 1 : state.who.length <= 36 ? 2 : 3;
  const rows = Math.max(1, Math.ceil(state.who.length / blocks));
  const drawn = JSON.stringify([blocks, ids, state.who.map((learner) => learner.name)]);
  if ($("learners").dataset.drawn !== drawn || !$("learners").firstChild) {
    $("learners").dataset.drawn = drawn;
    $("learners").replaceChildren(
      ...Array.from({ length: blocks }, (_, block) =>
        learnersTable(ids, state.who.slice(block * rows, (block + 1) * rows), `learners, part ${block + 1} of ${blocks}`),
      ),
    );
  }
  $("learners").classList.toggle("crowded", ids.length > 9);
  const cells = $("learners").querySelectorAll("tbody td");
  let place = 0;
  for (const learner of state.who) for (const id of ids) standing(cells[place++], learner.verdicts[id] || "");
  for (const head of $("learners").querySelectorAll("thead th[scope=col]"))
    head.classList.toggle("is-stuck", state.stuck.includes(head.textContent));
}

function learnersTable(ids, learners, caption) {
  const columns = [make("col"), ...ids.map(() => make("col", { class: "finding" }))];
  const heads = ids.map((id) => make("th", { scope: "col" }, id));
  const rows = learners.map((learner) =>
    make("tr", {}, make("th", { scope: "row", dir: "auto", title: learner.name }, learner.name), ...ids.map(() => make("td"))),
  );
  return make(
    "table",
    {},
    make("caption", { class: "said" }, caption),
    make("colgroup", {}, ...columns),
    make("thead", {}, make("tr", {}, make("td"), ...heads)),
    make("tbody", {}, ...rows),
  );
}

// The counts as they are shown: what was never judged is untouched too.
function counted(finding) {
  const { fixed, present, broken, error, untouched, none } = finding.counts;
  return { fixed, present, broken, error, untouched: untouched + none };
}

// Below the learners, what could not be judged is counted with what is broken: a line less, for letters that are larger.
function showNumbers() {
  const heads = state.findings.map((finding) => head(finding));
  const lines = { fixed: ["fixed"], present: ["present"], broken: ["broken", "error"], untouched: ["untouched"] };
  const rows = Object.entries(lines).map(([status, all]) =>
    make(
      "tr",
      { "data-status": status },
      make("th", { scope: "row" }, ...all.map(sign), WORDS[status]),
      ...state.findings.map((finding) => number(finding, all.reduce((sum, each) => sum + counted(finding)[each], 0))),
    ),
  );
  const columns = [make("col", { class: "word" }), ...heads.map(() => make("col"))];
  draw(columns, [make("td"), ...heads], rows);
}

function showTitles() {
  const rows = state.findings.map((finding) =>
    make(
      "tr",
      { "data-finding": finding.id, class: state.stuck.includes(finding.id) ? "is-stuck" : "" },
      make("th", { scope: "row" }, `${finding.id} ${finding.title}`),
      ...Object.keys(WORDS).map((status) => number(finding, counted(finding)[status])),
      make("td", {}, finding.minutes ? `${finding.minutes} min` : ""),
    ),
  );
  const signs = Object.keys(WORDS).map((status) =>
    make("th", { scope: "col" }, sign(status), make("small", {}, WORDS[status])),
  );
  const heads = [...signs, make("th", { scope: "col" }, "stuck for")];
  const columns = [
    make("col", { class: "title" }),
    ...signs.map(() => make("col", { class: "number" })),
    make("col", { class: "wait" }),
  ];
  draw(columns, [make("td"), ...heads], rows);
}

function head(finding) {
  const cell = make("th", { scope: "col", title: finding.title }, finding.id);
  cell.classList.toggle("is-stuck", state.stuck.includes(finding.id));
  return cell;
}

function number(finding, count) {
  const cell = make("td", {}, count ? String(count) : "–");
  cell.classList.toggle("is-stuck", state.stuck.includes(finding.id));
  return cell;
}

function draw(columns, heads, rows) {
  const table = make(
    "table",
    {},
    make("caption", { class: "said" }, "how many stand where, finding by finding"),
    make("colgroup", {}, ...columns),
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...rows),
  );
  const now = $("findings").firstChild;
  if (!now || !now.isEqualNode(table)) $("findings").replaceChildren(table);
}

// Numbers only, and dark: by button or by key.

function toggle(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

$("counts-only").addEventListener("click", () => {
  toggle($("counts-only"), $("counts-only").getAttribute("aria-pressed") !== "true");
  if (state) show();
});

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

toggle($("dark"), isDark());
$("dark").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  toggle($("dark"), isDark());
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  if (event.key === "c" && !$("counts-only").hidden) $("counts-only").click();
  if (event.key === "d") $("dark").click();
});

begin();
