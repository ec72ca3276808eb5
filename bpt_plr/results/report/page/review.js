// Decisions about suspects: kept by the browser while the page is open anew, and saved as a file.

const names = report.classes;
const KEY = `bptplr decisions ${report.run} ${report.samples}`;

/// Sample -> {decision: "accept" or "reject", label: number of a class}.
let decisions = {};

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify(decisions));
  } catch {
    // A browser may forbid it to files; then saving the file is the only way to keep them.
  }
}

function recall() {
  try {
    decisions = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    decisions = {};
  }
}

const progress = html("p", {role: "status"});

function showProgress() {
  const all = report.items.map((item) => decisions[item.sample]?.decision);
  const count = (wanted) => all.filter((decision) => decision === wanted).length;
  progress.textContent = `${all.length - count(undefined)} of ${all.length} decided: ` +
    `${count("accept")} accepted, ${count("reject")} rejected.`;
}

/// The file that `bptplr audit RUN --apply ... --decisions FILE` reads.
function decisionsFile() {
  const list = report.items.filter((item) => decisions[item.sample]).map((item) => {
    const {decision, label} = decisions[item.sample];
    return {index: item.sample, ...(item.file ? {path: item.file} : {}), given: names[item.given],
      decision, ...(decision === "accept" ? {label: names[label]} : {})};
  });
  return JSON.stringify({run: report.run, decisions: list}, null, 1);
}

function save() {
  const address = URL.createObjectURL(new Blob([decisionsFile()], {type: "application/json"}));
  html("a", {href: address, download: "decisions.json"}).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/// Takes the decisions of a file that was saved before; says why where it cannot.
async function open(file) {
  try {
    for (const {index, decision, label} of JSON.parse(await file.text()).decisions) {
      if (report.items.some((item) => item.sample === index)) {
        decisions[index] = {decision, label: names.indexOf(label)};
      }
    }
  } catch (error) {
    progress.textContent = `${file.name} holds no decisions: ${error.message}`;
    return;
  }
  remember();
  draw();
}

/// Pictures are shown pixel by pixel, tiny ones a whole number of times as large.
function picture(item) {
  if (!item.image) return `no picture of row ${item.sample}`;
  const scale = Math.max(1, Math.floor(160 / Math.max(report.width, report.height)));
  return html("img", {src: item.image, width: scale * report.width, height: scale * report.height,
    ...(scale > 1 ? {class: "tiny"} : {}),
    alt: `Training image ${item.sample}, labelled ${names[item.given]}`});
}

function card(item) {
  const label = html("select", {"aria-label": `New label of image ${item.sample}`},
    ...names.map((name, c) => html("option", {value: c, ...(c === item.given ? {disabled: ""} : {})}, name)));
  const buttons = [["accept", "Wrong: relabel (a)"], ["reject", "Right: keep (r)"]].map(([decision, words]) => {
    const button = html("button", {type: "button", "data-decision": decision}, words);
    button.addEventListener("click", () => decide(item.sample, decision, Number(label.value)));
    return button;
  });
  label.addEventListener("change", () => decide(item.sample, "accept", Number(label.value)));
  const element = html("li", {id: `sample-${item.sample}`, tabindex: 0}, html("figure", {}, picture(item),
    html("figcaption", {}, "labelled ", html("b", {}, names[item.given]),
      html("br"), html("span", {class: "soft"}, `wrong with ${percent(Math.min(100 * item.wrong, 99.9))}; no. ${item.sample}`),
      ...(item.file ? [html("br"), html("span", {class: "soft", title: item.file}, item.file.split("/").slice(-2).join("/"))] : []))),
  html("p", {}, "new label ", label), html("p", {class: "choices"}, ...buttons));
  element.addEventListener("keydown", (event) => {
    const decision = {a: "accept", r: "reject"}[event.key];
    if (event.target.tagName === "SELECT" || !decision) return;
    decide(item.sample, decision, Number(label.value));
    (element.nextElementSibling ?? element).focus();
  });
  return {item, element, label, buttons};
}

const cardsOf = report.items.map(card);

function draw() {
  for (const {item, label, buttons} of cardsOf) {
    const decided = decisions[item.sample];
    label.value = decided?.decision === "accept" && decided.label >= 0 ? decided.label : item.suggested;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", decided?.decision === button.dataset.decision);
    }
  }
  showProgress();
}

/// The same decision once more takes it back.
function decide(sample, decision, label) {
  const before = decisions[sample];
  if (before?.decision === decision && before.label === label) {
    delete decisions[sample];
  } else {
    decisions[sample] = {decision, label};
  }
  remember();
  draw();
}

function review() {
  const saveButton = html("button", {type: "button"}, "Save decisions");
  saveButton.addEventListener("click", save);
  const openFile = html("input", {type: "file", accept: "application/json,.json", "aria-label": "Open saved decisions"});
  openFile.addEventListener("change", () => open(openFile.files[0]));
  const list = html("ol", {class: "cards review", style: `--picture:${Math.max(report.width, 200)}px`});
  list.append(...cardsOf.map(({element}) => element));
  return [
    html("p", {}, `The ${report.items.length} most suspect of ${text(report.samples, 0)} training images. Decide with the ` +
      `buttons, or with the keys a and r on a picture; the same once more takes it back.`),
    progress,
    html("p", {class: "choices"}, saveButton, html("label", {}, "go on with saved ones ", openFile)),
    html("p", {class: "soft"}, "Then: bptplr audit RUN --decisions decisions.json --apply move (or: copy DIR, csv DIR)"),
    list];
}

showFacts([["Training images", text(report.samples, 0)], ["Classes", `${names.length}`], ["Shown", `${report.items.length}`]]);
section("review", report, review);
recall();
draw();
