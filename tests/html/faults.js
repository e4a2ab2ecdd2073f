// What is wrong with the open page for someone who reads or uses it: the value is a list of sentences.
(() => {
  const faults = [];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const told = (element) => element.tagName.toLowerCase() + "." + element.className + " “" + element.textContent.trim().slice(0, 40) + "”";

  // Ids, headings, tables, size.
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) faults.push("the id " + id + " is given twice");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    if (!seen(heading)) continue;
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push("a heading jumps from " + level + " to " + next + ": " + told(heading));
    level = next;
  }
  for (const head of document.querySelectorAll("th")) {
    if (!head.scope) faults.push("a table head without scope: " + told(head));
  }
  for (const name of ["main", "header", "footer"]) {
    if (document.querySelectorAll("body > " + name).length !== 1) faults.push("not one " + name);
  }
  if (!document.documentElement.lang) faults.push("no language");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window: " + document.documentElement.scrollWidth);
  for (const element of document.querySelectorAll("*")) {
    if (element.scrollWidth <= element.clientWidth + 1 || !seen(element)) continue;
    if (["auto", "scroll"].includes(getComputedStyle(element).overflowX) && element.tabIndex < 0) faults.push("it scrolls, but not by keys: " + told(element));
  }
  for (const element of document.querySelectorAll("button, select, input, summary")) {
    const box = element.getBoundingClientRect();
    if (seen(element) && element.type !== "checkbox" && (box.width < 24 || box.height < 24)) faults.push("too small to be hit: " + told(element));
  }

  // Contrast (WCAG 2.2, success criterion 1.4.3).
  function channels(colour) {
    const parts = colour.match(/-?[\d.]+/g).map(Number);
    const unit = colour.startsWith("color(") ? 1 : 255;
    return [parts[0] / unit, parts[1] / unit, parts[2] / unit, parts.length > 3 ? parts[3] : 1];
  }
  const over = (top, under) => [0, 1, 2].map((index) => top[index] * top[3] + under[index] * (1 - top[3])).concat(1);
  function ground(element) {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(channels(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [1, 1, 1, 1]);
  }
  function luminance(colour) {
    const [red, green, blue] = colour.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const judged = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || judged.has(element) || !seen(element) || element.closest("script, style, noscript")) continue;
    judged.add(element);
    const under = ground(element);
    const pair = [luminance(over(channels(getComputedStyle(element).color), under)), luminance(under)].sort();
    const contrast = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (contrast < 4.5) faults.push("a contrast of " + contrast.toFixed(2) + ": " + told(element));
  }
  if (judged.size < 20) faults.push("only " + judged.size + " texts were found");
  return faults;
})()
