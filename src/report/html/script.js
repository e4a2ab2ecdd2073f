// The page's own script: filter, order, keys, theme, and the inside of a scenario, built once it is opened.
// Everything that came from a scenario or a server is set as text, never as markup.
"use strict";
(() => {
  const list = document.getElementById("list");
  const rows = [...list.querySelectorAll(".scenario")];
  // As many as report::html puts into one list.
  const CHUNK = 100;
  const field = document.getElementById("filter");
  const chips = [...document.querySelectorAll(".chip")];
  const empty = document.getElementById("none");
  const status = document.getElementById("count");
  const help = document.getElementById("help");
  const all = rows.length.toLocaleString("en");

  // --- elements -----------------------------------------------------------------------------------------------------

  /** An element with a class and what it holds: text, elements, or nothing. */
  function make(name, type, ...content) {
    const element = document.createElement(name);
    if (type) element.className = type;
    element.append(...content.filter((one) => one !== null && one !== undefined && one !== ""));
    return element;
  }

  function attributes(element, values) {
    for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
    return element;
  }

  function button(text, act) {
    const made = attributes(make("button", "", text), { type: "button" });
    made.addEventListener("click", act);
    return made;
  }

  function table(type, caption, heads) {
    const line = make("tr", "");
    for (const [text, kind] of heads) line.append(attributes(make("th", kind, text), { scope: "col" }));
    const body = make("tbody", "");
    const made = make("table", type, make("caption", "visually-hidden", caption), make("thead", "", line), body);
    return [made, body];
  }

  function sheet(facts) {
    const made = make("dl", "sheet");
    for (const [term, value, type] of facts) made.append(make("dt", "", term), make("dd", type, value));
    return made;
  }

  let blocks = 0;
  function block(type, title, tools, ...content) {
    blocks += 1;
    const id = "block-" + blocks;
    const heading = attributes(make("h4", "", title), { id });
    const made = make("div", "block " + type, make("div", "block-head", heading, ...tools), ...content);
    return attributes(made, { role: "group", "aria-labelledby": id });
  }

  // --- numbers ------------------------------------------------------------------------------------------------------

  function took(seconds) {
    const millis = seconds * 1000;
    if (millis < 9.995) return millis.toFixed(2) + " ms";
    if (millis < 99.95) return millis.toFixed(1) + " ms";
    if (millis < 999.5) return millis.toFixed(0) + " ms";
    if (seconds < 9.995) return seconds.toFixed(2) + " s";
    if (seconds < 59.95) return seconds.toFixed(1) + " s";
    const whole = Math.round(seconds);
    return Math.floor(whole / 60) + " min " + (whole % 60) + " s";
  }

  function counted(number, noun) {
    return number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s");
  }

  function percent(part, whole) {
    return (whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0) + "%";
  }

  /** A round step so that at most six ticks stand on the axis. */
  function ticks(whole) {
    const rough = whole / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const marks = [];
    for (let index = 0; index * step <= whole * 0.93; index += 1) marks.push(index * step);
    return marks;
  }

  const plain = (seconds) => {
    if (seconds === 0) return "0";
    return seconds < 1 ? +(seconds * 1000).toPrecision(3) + " ms" : +seconds.toPrecision(3) + " s";
  };

  // --- the inside of a scenario ---------------------------------------------------------------------------------------

  function dataOf(row) {
    return JSON.parse(row.lastElementChild.textContent);
  }

  function build(row) {
    if (row.dataset.built) return;
    row.dataset.built = "yes";
    const data = dataOf(row);
    const whole = Math.max(data.took, ...(data.sessions || []).map((session) => session.closed), 0);
    const left = make("div", "column");
    if (data.lanes) left.append(timeline(data.lanes, whole));
    const said = data.lines ? transcript(data) : null;
    if (data.source) left.append(source(data.source));
    if (data.steps) left.append(steps(data, whole, said));
    for (const session of data.sessions || []) left.append(facts(session));
    if (data.captures) left.append(block("", "Captured", [], sheet(Object.entries(data.captures))));
    const columns = make("div", said ? "columns two" : "columns");
    if (left.hasChildNodes()) columns.append(left);
    if (said) columns.append(said);
    if (columns.hasChildNodes()) row.firstElementChild.append(make("div", "inside", columns));
    if (said) showMarked(said);
    const marked = left.querySelector(".source .marked");
    if (marked) marked.parentElement.scrollTop = marked.offsetTop - marked.parentElement.offsetTop - marked.parentElement.clientHeight / 3;
  }

  /** The scenario as it was played, with the lines that diverged marked. */
  function source([lines, marked]) {
    const list = attributes(make("ol", "source"), { tabindex: "0", "aria-label": "The scenario" });
    lines.forEach((line, index) => list.append(make("li", marked.includes(index) ? "marked" : "", line)));
    return block("", "Scenario", [], list);
  }

  const KINDS = { connect: "connecting", tls: "TLS handshake", wait: "waiting for a reply", diverged: "did not come as expected" };

  function typeOf(kind) {
    return kind === "diverged" ? "span-diverged" : kind;
  }

  function bar(kind, from, to, whole, title) {
    const made = make("i", typeOf(kind));
    made.style.left = percent(from, whole);
    made.style.width = percent(to - from, whole);
    if (title) made.title = title;
    return made;
  }

  function timeline(lanes, whole) {
    const used = new Set(lanes.flatMap((lane) => lane.spans.map((span) => span[0])));
    const legend = make("p", "legend");
    for (const [kind, words] of Object.entries(KINDS)) {
      if (used.has(kind)) legend.append(make("span", "", make("i", typeOf(kind)), words));
    }
    const axis = make("div", "ticks");
    for (const at of whole > 0 ? ticks(whole) : []) {
      const tick = make("span", "", plain(at));
      tick.style.left = percent(at, whole);
      axis.append(tick);
    }
    const made = block("timeline", "Timeline", [], legend);
    for (const lane of lanes) made.append(laneOf(lane, whole));
    made.append(attributes(make("div", "lane", make("span", ""), axis), { "aria-hidden": "true" }));
    return made;
  }

  function laneOf(lane, whole) {
    const track = make("div", "track");
    const sums = {};
    for (const [kind, from, to, step] of lane.spans) {
      sums[kind] = (sums[kind] || 0) + (to - from);
      const words = kind === "open" ? "open" : KINDS[kind];
      const of = step && kind !== "open" ? "step " + step + ": " : "";
      track.append(bar(kind, from, to, whole, of + words + " " + took(to - from) + ", from " + took(from)));
    }
    const told = Object.entries(sums).map(([kind, time]) => (KINDS[kind] || kind) + " " + took(time));
    const label = "Session " + lane.name + ": " + told.join(", ") + "; each step stands in the table below";
    attributes(track, { role: "img", "aria-label": label });
    return make("div", "lane", make("div", "", make("b", "", lane.name), make("span", "", lane.to)), track);
  }

  const STATES = { followed: ["✓", "followed"], diverged: ["✗", "diverged"], skipped: ["–", "skipped"], unreached: ["·", "not reached"] };

  function steps(data, whole, said) {
    const several = data.names.length > 1;
    const heads = [["Step", ""], ["What", ""], ["Verdict", ""], ["Reply", ""], ["Took", "n"], ["Waterfall", "wide"], ["Place", ""]];
    if (several) heads.splice(2, 0, ["Session", ""]);
    const [made, body] = table("steps", "Every step: its verdict, its reply and its time", heads);
    for (const step of data.steps) body.append(stepRow(step, data, whole, said, several));
    const scroll = make("div", "scroll", made);
    attributes(scroll, { tabindex: "0", role: "group", "aria-label": "Steps" });
    return block("", "Steps", [], scroll);
  }

  function stepRow(step, data, whole, said, several) {
    const [number, name, action, place, session, state, began, duration, replies] = step;
    const [mark, word] = STATES[state];
    const label = number || "–";
    const first = make("td", "", number && said ? toLines(said, number) : label);
    const what = make("th", "", make("span", "action", action), name ? " " : "", name ? make("span", "text", name) : "");
    const cells = [first, attributes(what, { scope: "row" })];
    if (several) cells.push(make("td", "text", data.names[session]));
    const played = state === "followed" || state === "diverged";
    cells.push(make("td", "state", attributes(make("span", "", mark), { "aria-hidden": "true" }), " " + word));
    cells.push(make("td", "code", replies.map(([code, enhanced]) => (enhanced ? code + " " + enhanced : "" + code)).join(", ")));
    cells.push(make("td", "n", played ? took(duration) : ""));
    const track = attributes(make("span", "row-track"), { "aria-hidden": "true" });
    if (played) {
      track.append(bar("own", began, began + duration, whole, took(duration) + ", from " + took(began)));
      const kind = state === "diverged" ? "diverged" : "wait";
      for (const [code, , at, elapsed] of replies) {
        track.append(bar(kind, Math.max(0, at - elapsed), at, whole, "waited " + took(elapsed) + " for " + code));
      }
      if (state === "diverged" && !replies.length) track.append(bar(kind, began, began + duration, whole));
    }
    cells.push(make("td", "wide", played ? track : ""), make("td", "place", place));
    return make("tr", state, ...cells);
  }

  function toLines(said, number) {
    const made = button(number, () => {
      const lines = said.querySelectorAll("li");
      let first = null;
      for (const line of lines) {
        const lit = line.dataset.step === number || (line.dataset.step || "").startsWith(number + ".");
        line.classList.toggle("lit", lit);
        if (lit && !first) first = line;
      }
      if (first) bring(said, first);
    });
    return attributes(made, { "aria-label": "show step " + number + " in the transcript" });
  }

  const WHO = { C: ["C:", "c"], S: ["S:", "s"], "*": ["*", "note-line"] };

  function transcript(data) {
    const several = data.names.length > 1;
    const lines = attributes(make("ol", several ? "lines several" : "lines"), { tabindex: "0", "aria-label": "Transcript" });
    for (const line of data.lines) {
      if (typeof line === "number") {
        lines.append(make("li", "gap", "… " + counted(line, "line") + " left out: the JSON report has all …"));
        continue;
      }
      const [at, session, speaker, text, step, diverged] = line;
      const [who, type] = WHO[speaker];
      const words = make("span", "said-text", text);
      const made = make("li", type, make("time", "", at.toFixed(3)));
      if (several) made.append(make("span", "session", data.names[session]));
      made.append(make("span", "who", who), words);
      if (diverged !== undefined) {
        made.classList.add("marked");
        const where = !diverged ? "the connection" : /^\d/.test(diverged) ? "step " + diverged : diverged;
        words.append(make("em", "here", "◀ " + where + " diverged"));
      }
      made.dataset.step = step;
      lines.append(made);
    }
    const copy = button("Copy", () => copyLines(data, copy));
    const made = block("said", "Transcript", [copy], lines);
    if (lines.querySelector(".marked")) copy.before(button("To the divergence", () => showMarked(made)));
    return made;
  }

  function bring(said, line) {
    const box = said.querySelector(".lines");
    box.scrollTop = line.offsetTop - box.offsetTop - box.clientHeight / 3;
  }

  function showMarked(said) {
    const marked = said.querySelector(".marked");
    if (marked) bring(said, marked);
  }

  function copyLines(data, copy) {
    const several = data.names.length > 1;
    const told = data.lines.map((line) => {
      if (typeof line === "number") return "… " + counted(line, "line") + " left out …";
      const [, session, speaker, text] = line;
      return (several ? data.names[session] + " " : "") + WHO[speaker][0] + " " + text;
    });
    const done = (word) => {
      copy.textContent = word;
      status.textContent = word === "Copied" ? "The transcript is copied." : "The browser does not let this page copy.";
      setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    };
    const text = told.join("\n") + "\n";
    if (!navigator.clipboard) return done("Not copied");
    navigator.clipboard.writeText(text).then(() => done("Copied"), () => done("Not copied"));
  }

  function facts(session) {
    const told = [
      ["Server", session.host + ":" + session.port + (session.address ? " (" + session.address + ")" : "")],
      ...(session.stand_in ? [["Played against", session.stand_in]] : []),
      ["Open", took(session.closed - session.opened)],
      ["Octets", session.sent.toLocaleString("en") + " sent, " + session.received.toLocaleString("en") + " received"],
    ];
    if (session.messages) told.push(["Messages", session.messages.toLocaleString("en") + " taken"]);
    for (const tls of session.tls || []) told.push(...handshake(tls));
    if (session.refused_certificate) told.push(["TLS", "certificate refused"], ...certificate(session.refused_certificate));
    return block("", "Session " + session.name, [], sheet(told));
  }

  function handshake(tls) {
    const told = [["TLS", tls.version + ", " + tls.cipher + ", certificate " + (tls.verified ? "verified" : "not verified")]];
    return tls.certificate ? told.concat(certificate(tls.certificate)) : told;
  }

  function certificate(one) {
    const left = one.days_left;
    const ends = one.not_after.slice(0, 10);
    const soon = left < 0 ? "✗ expired " + counted(-left, "day") + " ago, " : left < 21 ? "! only " : "✓ ";
    const days = left < 0 ? soon + "on " + ends : soon + counted(left, "day") + " left, until " + ends;
    return [
      ["Certificate", one.subject || "(no subject)"],
      ["For", one.names.join(", ") || "(no name)"],
      ["Issued by", one.issuer],
      ["Valid", days, left < 0 ? "ends over" : left < 21 ? "ends soon" : "ends"],
    ];
  }

  // --- filter ---------------------------------------------------------------------------------------------------------

  const texts = new Map();

  /** All that is looked for in a scenario, made when it is first needed. */
  function textOf(row) {
    let text = texts.get(row);
    if (text === undefined) {
      const data = dataOf(row);
      const said = (data.lines || []).map((line) => line[3] || "");
      const names = (data.steps || []).map((step) => (step[1] || "") + " " + step[2]);
      const captures = Object.values(data.captures || {});
      const told = row.querySelector(".told");
      const head = row.firstElementChild.firstElementChild.textContent + "\n" + (told ? told.textContent : "");
      text = [head, ...names, ...captures, ...said].join("\n").toLowerCase();
      texts.set(row, text);
    }
    return text;
  }

  const hasTag = (row, wanted) => [...row.querySelectorAll(".tag")].some((tag) => tag.textContent.toLowerCase() === wanted);
  const hasCode = (row, wanted) => (dataOf(row).steps || []).some((step) => step[8].some((reply) => "" + reply[0] === wanted));

  function conditionOf(word) {
    const out = word.length > 1 && word.startsWith("-");
    const bare = (out ? word.slice(1) : word).replaceAll('"', "");
    const [, key, value] = /^(verdict|tag|code):(.+)$/.exec(bare) || [];
    const test = {
      verdict: (row) => row.dataset.verdict === value,
      tag: (row) => hasTag(row, value),
      code: (row) => hasCode(row, value),
    }[key] || ((row) => textOf(row).includes(bare));
    return out ? (row) => !test(row) : test;
  }

  let fits = () => true;

  /** Puts what fits into the list: to take rows out is many times faster than to hide them, and so is the page after. */
  function show() {
    const shown = rows.filter(fits);
    const chunks = [];
    for (let at = 0; at < shown.length; at += CHUNK) chunks.push(make("ol", "", ...shown.slice(at, at + CHUNK)));
    list.replaceChildren(...chunks);
    empty.hidden = shown.length > 0 || !rows.length;
    list.hidden = !empty.hidden;
    return shown.length;
  }

  function apply() {
    const words = field.value.toLowerCase().match(/-?[\w]*:?"[^"]*"|\S+/g) || [];
    const conditions = words.map(conditionOf);
    const pressed = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict);
    if (pressed.length) conditions.unshift((row) => pressed.includes(row.dataset.verdict));
    fits = (row) => conditions.every((condition) => condition(row));
    const shown = show();
    status.textContent = conditions.length ? shown.toLocaleString("en") + " of " + all + " shown" : all + " in all";
  }

  function clear() {
    field.value = "";
    for (const chip of chips) chip.setAttribute("aria-pressed", "false");
    apply();
  }

  // --- order ----------------------------------------------------------------------------------------------------------

  const GRAVITY = ["diverged", "unreachable", "broken", "interrupted", "not-played", "flaky", "followed"];
  const number = (row, name) => Number(row.dataset[name]);
  const byRun = (one, other) => number(one, "order") - number(other, "order");
  const nameOf = (row) => row.querySelector(".name").textContent;
  const names = new Intl.Collator("en", { numeric: true });
  const ORDERS = {
    run: byRun,
    slowest: (one, other) => number(other, "seconds") - number(one, "seconds") || byRun(one, other),
    failed: (one, other) => GRAVITY.indexOf(one.dataset.verdict) - GRAVITY.indexOf(other.dataset.verdict) || byRun(one, other),
    name: (one, other) => names.compare(nameOf(one), nameOf(other)) || byRun(one, other),
  };

  function order(by) {
    rows.sort(ORDERS[by]);
    show();
  }

  // --- keys -----------------------------------------------------------------------------------------------------------

  const isFailed = (row) => GRAVITY.indexOf(row.dataset.verdict) < 5;

  function go(direction, wanted) {
    const here = rows.indexOf(document.activeElement.closest(".scenario"));
    let next = here < 0 && direction < 0 ? rows.length - 1 : here + direction;
    while (rows[next] && !(rows[next].isConnected && wanted(rows[next]))) next += direction;
    if (!rows[next]) return;
    const summary = rows[next].querySelector("summary");
    summary.focus();
    summary.scrollIntoView({ block: "nearest" });
  }

  function openHelp() {
    if (!help.open) help.showModal();
  }

  const LETTERS = {
    "/": () => { field.focus(); field.select(); },
    j: () => go(1, () => true),
    k: () => go(-1, () => true),
    n: () => go(1, isFailed),
    p: () => go(-1, isFailed),
    "?": openHelp,
  };

  function escape(target) {
    const row = target.closest(".scenario");
    if (row && row.firstElementChild.open) {
      row.firstElementChild.open = false;
      row.querySelector("summary").focus();
    } else if (field.value || chips.some((chip) => chip.getAttribute("aria-pressed") === "true")) {
      clear();
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape") return escape(event.target);
    if (event.target.closest("input, select, textarea") || !document.getElementById("keys").checked) return;
    const act = Object.hasOwn(LETTERS, event.key) ? LETTERS[event.key] : null;
    if (act) {
      event.preventDefault();
      act();
    }
  });

  // --- the page -------------------------------------------------------------------------------------------------------

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const theme = document.getElementById("theme");
  const isDark = () => (document.documentElement.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
  const showTheme = () => theme.setAttribute("aria-pressed", "" + isDark());
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  prefersDark.addEventListener("change", showTheme);
  showTheme();

  /** Opens the scenario that the address names. */
  function follow() {
    let name = "";
    try { name = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const row = rows.find((one) => one.id === name);
    if (!row) return;
    if (!row.isConnected) clear();
    row.firstElementChild.open = true;
    build(row);
    row.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView();
  }

  // An event `toggle` does not bubble, and may come after the next task: what is opened here is built at once.
  list.addEventListener("toggle", (event) => {
    if (!event.target.open) return;
    const row = event.target.parentElement;
    build(row);
    const said = row.querySelector(".said");
    if (said) showMarked(said);
  }, true);

  function openAll(open) {
    for (const row of rows) {
      if (row.isConnected) row.firstElementChild.open = open;
    }
  }

  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, rows.length > 2000 ? 120 : 0);
  });
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", "" + (chip.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("sort").addEventListener("change", (event) => order(event.target.value));
  document.getElementById("expand").addEventListener("click", () => openAll(true));
  document.getElementById("collapse").addEventListener("click", () => openAll(false));
  document.getElementById("clear").addEventListener("click", () => { clear(); field.focus(); });
  document.getElementById("help-button").addEventListener("click", openHelp);
  addEventListener("hashchange", follow);
  for (const tools of document.querySelectorAll(".tools, .page-tools")) tools.hidden = !rows.length && tools.matches(".tools");
  for (const row of list.querySelectorAll("details[open]")) build(row.parentElement);
  follow();
})();
