"use strict";
// The page shows what loop.json says and decides nothing. Every text goes in as text, never as markup.

const LOOK_AGAIN = 2000; // milliseconds
const SHORT = { AnnotationProject: "ap", TrainingRun: "run", ModelDeployment: "md" };
const LANES = ["AnnotationProject", "TrainingRun", "ModelDeployment"];
const TONES = { bad: "need you", busy: "under way", good: "as wanted", idle: "suspended" };

const page = { nodes: [], edges: [], courses: {}, tag: "", chosen: decodeURIComponent(location.hash.slice(1)), words: "", tones: new Set() };
const at = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

function shown() {
  const words = page.words.toLowerCase().split(/\s+/).filter(Boolean);
  return page.nodes.filter((node) => {
    const text = `${node.name} ${node.kind} ${node.namespace} ${node.phase}`.toLowerCase();
    return (!page.tones.size || page.tones.has(node.tone)) && words.every((word) => text.includes(word));
  });
}

function drawTones() {
  const counts = {};
  for (const node of page.nodes) counts[node.tone] = (counts[node.tone] || 0) + 1;
  at("tones").replaceChildren(
    ...Object.keys(TONES).filter((tone) => counts[tone]).map((tone) =>
      make("button", { "aria-pressed": page.tones.has(tone), class: tone, onclick: () => { page.tones.has(tone) ? page.tones.delete(tone) : page.tones.add(tone); draw(); } },
        `${counts[tone]} ${TONES[tone]}`)),
  );
}

function drawList() {
  const nodes = shown(), list = at("list"), top = list.scrollTop;
  list.replaceChildren(...nodes.map((node) =>
    make("button", { class: `row depth${Math.min(node.depth, 2)}`, "aria-current": node.id === page.chosen, "data-id": node.id, tabindex: -1, onclick: () => choose(node.id) },
      make("span", { class: `dot ${node.tone}`, title: TONES[node.tone] }), make("span", { class: "kind" }, SHORT[node.kind]),
      make("span", { class: "name" }, node.name), make("span", { class: "rest" }, [node.phase, ...node.figures].join(" · ")))));
  if (!nodes.length) list.append(make("p", { class: "empty" }, page.nodes.length ? "Nothing fits the filter." : "No AnnotationProject, TrainingRun or ModelDeployment here."));
  list.scrollTop = top;
}

function connected(id) {
  const near = new Map(page.nodes.map((node) => [node.id, []]));
  for (const [from, to] of page.edges) { near.get(from).push(to); near.get(to).push(from); }
  const found = new Set([id]);
  for (const next of found) for (const other of near.get(next) || []) found.add(other);
  return page.nodes.filter((node) => found.has(node.id));
}

function drawLoop(chosen) {
  const nodes = connected(chosen.id), loop = make("div", { class: "loop" });
  for (const kind of LANES) {
    const lane = nodes.filter((node) => node.kind === kind);
    if (lane.length) loop.append(make("div", { class: "lane" }, ...lane.map((node) =>
      make("button", { class: `box ${node.tone}`, "data-box": node.id, "aria-current": node.id === chosen.id, onclick: () => choose(node.id) },
        make("b", {}, node.name), make("span", {}, [node.phase, ...node.figures].join(" · "))))));
  }
  requestAnimationFrame(() => drawWires(loop));
  return loop;
}

function drawWires(loop) {
  const name = "http://www.w3.org/2000/svg", svg = document.createElementNS(name, "svg"), frame = loop.getBoundingClientRect();
  svg.setAttribute("class", "wires");
  const boxes = new Map([...loop.querySelectorAll("[data-box]")].map((box) => [box.dataset.box, box.getBoundingClientRect()]));
  for (const [from, to] of page.edges) {
    const a = boxes.get(from), b = boxes.get(to);
    if (!a || !b) continue;
    const [x1, y1, x2, y2] = [a.right - frame.left + loop.scrollLeft, a.top + a.height / 2 - frame.top, b.left - frame.left + loop.scrollLeft, b.top + b.height / 2 - frame.top];
    const path = document.createElementNS(name, "path");
    path.setAttribute("d", `M${x1},${y1} C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}`);
    svg.append(path);
  }
  svg.setAttribute("width", loop.scrollWidth);
  svg.setAttribute("height", loop.scrollHeight);
  loop.prepend(svg);
}

function drawCurve(words, points) {
  const name = "http://www.w3.org/2000/svg", svg = document.createElementNS(name, "svg"), line = document.createElementNS(name, "polyline");
  const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const place = (value, from, to, size) => (to > from ? ((value - from) / (to - from)) * size : size / 2);
  line.setAttribute("points", points.map(([x, y]) => `${place(x, left, right, 198) + 1},${39 - place(y, low, high, 38)}`).join(" "));
  svg.setAttribute("width", 200); svg.setAttribute("height", 40);
  svg.append(line);
  return make("figure", { class: "curve", style: null }, make("figcaption", { class: "faint" }, `${words}: ${ys[ys.length - 1]}`), svg);
}

function table(head, rows) {
  return make("table", {}, make("thead", {}, make("tr", {}, ...head.map((cell) => make("th", {}, cell)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell ?? ""))))));
}

function part(words, content) {
  return content ? [make("h3", {}, words), content] : [];
}

function drawDetail() {
  const node = page.nodes.find((one) => one.id === page.chosen), detail = at("detail");
  if (!node) {
    detail.replaceChildren(make("p", { class: "empty" }, page.nodes.length ? "Choose an object: click it, or press j." : ""));
    return;
  }
  const course = page.courses[node.tracked] || { curves: {} }, known = Object.entries(course.curves).map(([words, points]) => drawCurve(words, points));
  if (course.error) known.push(make("p", { class: "faint" }, course.error));
  const top = detail.scrollTop, curves = Object.entries(node.curves).filter(([words]) => !(words in course.curves)).filter(([, points]) => points.length > 1);
  const troubles = node.conditions.map((c) => [
    make("span", { class: c.tone }, `${c.type}=${c.status}`),
    c.reason, c.message, c.lastTransitionTime]);
  detail.replaceChildren(
    make("h2", {}, node.name),
    make("div", { class: "faint" }, `${node.kind} in ${node.namespace} · `, make("b", { class: node.tone }, node.phase), node.figures.length ? ` · ${node.figures.join(" · ")}` : "",
      ...node.links.flatMap((link) => [" · ", make("a", { href: link.url, target: "_blank", rel: "noreferrer" }, link.words)])),
    ...(node.percent === null || node.percent === undefined ? [] : [make("p", {}, make("meter", { min: 0, max: 100, value: node.percent }), ` ${node.percent} %`)]),
    ...part("The loop around it", drawLoop(node)),
    ...part("Who answers", node.shares.length ? make("div", {}, ...node.shares.map((share) =>
      make("p", {}, make("meter", { min: 0, max: 100, value: share.percent }), ` ${share.role} ${share.version}: ${share.percent} %`)), make("p", { class: "faint" }, node.verdict || "")) : null),
    ...part("Gates", node.gates.length ? table(["gate", "verdict", "value", ""], node.gates.map((gate) =>
      [gate.name, make("span", { class: gate.verdict === "Passed" ? "good" : gate.verdict === "Failed" ? "bad" : "busy" }, gate.verdict), gate.value, gate.message])) : null),
    ...part("Over time", node.past.length ? make("div", {}, ...node.past.map((curve) => drawCurve(curve.words, curve.points))) : null),
    ...part("As MLflow knows it", known.length ? make("div", {}, ...known) : null),
    ...part("Since this page is open", curves.length ? make("div", {}, ...curves.map(([words, points]) => drawCurve(words, points))) : null),
    ...node.tables.flatMap((one) => part(one.title, table(one.head, one.rows))),
    ...part("Conditions", troubles.length ? table(["condition", "reason", "message", "since"], troubles) : null),
    ...part("What became of versions", node.history.length ? table(["when", "version", "outcome", "why"], node.history.map((entry) => [entry.when, entry.version, entry.outcome, entry.why])) : null),
  );
  detail.scrollTop = top;
}

async function follow() {
  const node = page.nodes.find((one) => one.id === page.chosen);
  if (!node || !node.tracked) return;
  try {
    const told = await (await fetch(`history.json?run=${encodeURIComponent(node.tracked)}`)).json();
    if (JSON.stringify(told) !== JSON.stringify(page.courses[node.tracked])) { page.courses[node.tracked] = told; drawDetail(); }
  } catch { /* look() says that nobody answers */ }
}

function draw() { drawTones(); drawList(); drawDetail(); }

function choose(id) {
  page.chosen = id;
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  draw();
  follow();
  at("list").querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const nodes = shown(), now = nodes.findIndex((node) => node.id === page.chosen);
  if (nodes.length) choose(nodes[Math.max(0, Math.min(nodes.length - 1, now < 0 ? 0 : now + step))].id);
}

function tell(words, bad) { at("state").textContent = words; at("state").className = bad ? "bad" : ""; }

async function look() {
  try {
    const reply = await fetch("loop.json", { headers: page.tag ? { "If-None-Match": page.tag } : {} });
    if (reply.status === 200) {
      const told = await reply.json();
      page.tag = reply.headers.get("ETag") || "";
      Object.assign(page, { nodes: told.nodes, edges: told.edges });
      draw();
    } else if (reply.status !== 304) throw new Error((await reply.json()).error);
    tell(`${page.nodes.length} objects`, false);
    follow();
  } catch (error) {
    tell(`not up to date: ${error.message}`, true);
  }
  setTimeout(look, LOOK_AGAIN);
}

function darken(dark) {
  document.documentElement.classList.toggle("dark", dark);
  try { localStorage.setItem("dark", dark ? "1" : "0"); } catch { /* a browser may forbid it */ }
}

function wasDark() {
  try { const kept = localStorage.getItem("dark"); if (kept !== null) return kept === "1"; } catch { /* a browser may forbid it */ }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === at("filter")) {
    if (event.key === "Escape") { at("filter").value = page.words = ""; at("filter").blur(); draw(); }
    if (event.key === "Enter" || event.key === "ArrowDown") { at("filter").blur(); move(1); }
    return;
  }
  const action = { "/": () => at("filter").focus(), j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    d: () => darken(!document.documentElement.classList.contains("dark")), Escape: () => { page.tones.clear(); choose(""); } }[event.key];
  if (action) { event.preventDefault(); action(); }
});
at("filter").addEventListener("input", (event) => { page.words = event.target.value; draw(); });
at("dark").addEventListener("click", () => darken(!document.documentElement.classList.contains("dark")));
darken(wasDark());
look();
