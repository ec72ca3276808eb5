// The sections of the page, each from its part of the report.

const names = report.classes;

const sentences = (note) => note.map((sentence) => html("p", {}, sentence));

function facts() {
  const {result} = report;
  const entries = [["Epochs", `${report.epochs_done} of ${report.num_epochs}`]];
  if (result) {
    entries.push(["Best test accuracy", percent(result.best_acc, 2)],
      ["Last test accuracy", percent(result.test_acc, 2)],
      ["Mean of last 10", percent(result.mean_last10, 2)],
      ["Training time", `${text(result.hours, 2)} h`]);
  }
  return entries;
}

/// "loss_x" -> "x", "loss" -> "total".
const lossName = (name) =>
  name === "loss" ? "total" : name.replace(/^loss_/, "").replaceAll("_", " ");

function curves({epochs, accuracy, losses}) {
  const series = Object.entries(losses).map(([name, values]) => ({name: lossName(name), values}));
  const best = Math.max(...accuracy);
  const total = losses.loss ?? [];
  return [html("div", {class: "charts"},
    lineChart({
      title: "Test accuracy, percent", epochs, warmUps: report.warm_up, digits: 2, low: 0, high: 100,
      series: [{name: "test accuracy", values: accuracy}],
      summary: `From ${percent(accuracy[0], 2)} in epoch ${epochs[0]} to ${percent(accuracy.at(-1), 2)} in ` +
        `epoch ${epochs.at(-1)}; the best is ${percent(best, 2)} in epoch ${epochs[accuracy.indexOf(best)]}.`,
    }),
    lineChart({
      title: "Training losses", epochs, warmUps: report.warm_up, digits: 4, series,
      summary: `The total went from ${text(total[0] ?? NaN, 3)} to ${text(total.at(-1) ?? NaN, 3)}. ` +
        `It has different parts in the warm-up and after it.`,
    }))];
}

/// The outline at two standard deviations: mean + 2 L (cos t, sin t), L L' the covariance.
function ellipse(mean, covariance) {
  const a = Math.sqrt(covariance[0][0]);
  const b = a > 0 ? covariance[1][0] / a : 0;
  const c = Math.sqrt(Math.max(covariance[1][1] - b * b, 0));
  return range(73).map((i) => {
    const t = 2 * Math.PI * i / 72;
    return [mean[0] + 2 * a * Math.cos(t), mean[1] + 2 * (b * Math.cos(t) + c * Math.sin(t))];
  });
}

/// What is known of a sample: two losses, one, or a distance. Of one figure, how clean the label is
/// held to be is drawn upwards.
const STATISTIC = report.recipe.fields.statistic;
const IN_PLANE = STATISTIC === "ce_prototype";
const ACROSS = STATISTIC === "jsd" ? "distance from the label" : "classifier loss";
const UPWARDS = IN_PLANE ? "prototype loss" : "clean probability";

const KINDS = [["clean", "clean probability above 0.9"], ["unsure", "0.1 to 0.9"],
  ["wrong", "below 0.1"]];
const kindOf = (clean) => clean > 0.9 ? "clean" : clean < 0.1 ? "wrong" : "unsure";

const EXPLANATIONS = {
  ce_prototype: "Each point is a training sample: by how much the classifier (to the right) and the class " +
    "prototypes (upwards) of a network disagree with its label, each scaled to 0\u20131. A mixture of two " +
    "Gaussians tells clean labels from wrong ones.",
  ce: "Each point is a training sample: by how much the classifier of a network disagrees with its label, scaled " +
    "to 0\u20131 (to the right), and how clean the label is held to be for that (upwards).",
  jsd: "Each point is a training sample: the Jensen-Shannon distance between its label and the mean prediction of " +
    "both networks (to the right), and how clean the label is held to be for that (upwards).",
};

/// The lowest and the highest coordinate in any partition. Losses are within 0 to 1, but ellipses
/// reach beyond, though not far: a nearly flat mixture must not make the points a speck.
function reachOf(partitions) {
  const outlines = partitions.flatMap(({networks}) => networks.flatMap(({gmm}) =>
    (IN_PLANE && gmm?.covariances || []).flatMap((covariance, k) => ellipse(gmm.means[k], covariance).flat())));
  const [lowest, highest] = outlines.reduce(([low, high], value) =>
    [Math.min(low, value), Math.max(high, value)], [0, 1]);
  return [Math.max(lowest, -0.3), Math.min(highest, 1.3)];
}

function drawScatter({gmm, points}, wrong, [low, high], width, label) {
  const side = Math.min(width, 420);
  const [left, bottom, edge] = [46, 44, 14];
  const scale = (side - left - edge) / (high - low);
  const x = (loss) => left + (loss - low) * scale;
  const y = (loss) => edge + (high - loss) * scale;
  const height = y(low) + bottom;
  const picture = svg("svg", {width: side, height, role: "img", "aria-label": label});
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    picture.append(svg("path", {class: "grid", d: `M${x(value)} ${y(0)}V${y(1)}M${x(0)} ${y(value)}H${x(1)}`}));
    if (value * 2 % 1 === 0) {
      picture.append(svg("text", {x: x(value), y: height - 24, "text-anchor": "middle"}, text(value, 1)),
        svg("text", {x: left - 6, y: y(value) + 4, "text-anchor": "end"}, text(value, 1)));
    }
  }
  picture.append(svg("text", {x: x(0.5), y: height - 6, "text-anchor": "middle"}, ACROSS),
    svg("text", {x: 0, y: 0, "text-anchor": "middle", transform: `translate(11 ${y(0.5)}) rotate(-90)`},
      UPWARDS));
  const heights = points && (IN_PLANE ? points.prototype : points.clean);
  const marks = {};
  points?.clean.forEach((clean, i) => {
    const [px, py] = [x(points.classifier[i]).toFixed(1), y(heights[i]).toFixed(1)];
    const isCross = wrong?.[i] === 1;
    const key = `${isCross ? "crosses" : "dots"} stroke-${kindOf(clean)}`;
    marks[key] = (marks[key] ?? "") + (isCross ? `M${px} ${py}m-3-3l6 6m0-6l-6 6` : `M${px} ${py}h0`);
  });
  for (const [key, d] of Object.entries(marks)) picture.append(svg("path", {class: key, d}));
  if (!IN_PLANE) return picture;
  gmm?.means.forEach((mean, k) => {
    if (gmm.covariances) {
      picture.append(svg("path", {class: "ellipse", "stroke-dasharray": k === gmm.clean_component ? "none" : "6 4",
        d: linePath(ellipse(mean, gmm.covariances[k]).map(([u, v]) => [x(u), y(v)]))}));
    }
    picture.append(svg("text", {class: "name", x: x(mean[0]), y: y(mean[1]), "text-anchor": "middle"},
      k === gmm.clean_component ? "clean" : "wrong"));
  });
  return picture;
}

function describe({gmm, selection}) {
  const place = (mean) => IN_PLANE ? `(${mean.map((loss) => text(loss)).join(", ")})` : text(mean[0]);
  const part = (k) => `${percent(100 * gmm.weights[k], 0)} of the samples around ${place(gmm.means[k])}`;
  const quality = selection.auc === null ? "" : ` AUC ${text(selection.auc, 4)}; ` +
    `${percent(100 * (selection.precision ?? NaN))} of the labelled samples have a correct label.`;
  const mixture = !gmm ? "" : `Clean component: ${part(gmm.clean_component)}; wrong component: ` +
    `${part(1 - gmm.clean_component)}. `;
  return `${mixture}${selection.n_labelled} samples are labelled.${quality}`;
}

function scatterLegend(partitions) {
  const networks = partitions.flatMap((partition) => partition.networks);
  const entries = [];
  if (networks.some(({points}) => points)) {
    entries.push(...KINDS.map(([kind, name]) =>
      ({name, mark: svg("path", {class: `dots stroke-${kind}`, d: "M12 6h0"})})));
  }
  if (partitions.some(({wrong}) => wrong)) {
    entries.push({name: "cross: the label is in fact wrong", mark: svg("path", {class: "crosses stroke-wrong", d: "M9 3l6 6m0-6l-6 6"})});
  }
  if (IN_PLANE && networks.some(({gmm}) => gmm?.covariances)) {
    entries.push({name: "clean component, two standard deviations", mark: svg("path", {class: "ellipse", d: "M0 6H24"})},
      {name: "wrong component", mark: svg("path", {class: "ellipse", "stroke-dasharray": "6 4", d: "M0 6H24"})});
  }
  return legend(entries);
}

function selection({partitions, quality, note}) {
  const last = partitions.length - 1;
  const reach = reachOf(partitions);
  const slider = html("input", {type: "range", id: "epoch", min: 0, max: last, step: 1, value: last});
  const shown = html("output", {for: "epoch"});
  const count = partitions[last].networks.length;
  const figures = partitions[last].networks.map((_, k) => {
    const holder = html("div", {class: "chart"});
    const caption = html("p", {"aria-live": "polite"});
    const draw = () => {
      const partition = partitions[slider.value];
      // Epochs of an earlier version have one division where both networks train on their own.
      const network = partition.networks[Math.min(k, partition.networks.length - 1)];
      caption.textContent = describe(network);
      return (width) => drawScatter(network, partition.wrong, reach, width, caption.textContent);
    };
    const redraw = drawToWidth(holder, (width) => draw()(width));
    return {redraw: () => { draw(); redraw(); }, element: html("figure", {},
      html("figcaption", {}, html("h3", {}, count === 1 ? "Both networks" : `Network ${k + 1}`), caption), holder)};
  });
  const update = () => {
    const name = `epoch ${partitions[slider.value].epoch}`;
    shown.textContent = name;
    slider.setAttribute("aria-valuetext", name);
    for (const figure of figures) figure.redraw();
  };
  slider.addEventListener("input", update);
  update();
  return [
    html("p", {}, EXPLANATIONS[STATISTIC]),
    ...sentences(note),
    html("div", {class: "slider"}, html("label", {for: "epoch"}, "Epoch"), slider, shown),
    scatterLegend(partitions),
    html("div", {class: "charts"}, ...figures.map(({element}) => element)),
    ...qualityChart(quality)];
}

function qualityChart({epochs, auc, precision, recall}) {
  if (!auc.some((value) => value !== null)) return [];
  const together = report.result.wrong_labels;
  const found = !together ? "" : ` Together the networks hold ${together.flagged} labels to be wrong, among them ` +
    `${together.found} of the ${together.wrong} that are.`;
  return [lineChart({
    title: "How well wrong labels are told from correct ones", epochs, warmUps: report.warm_up, digits: 4, low: 0, high: 1,
    series: [{name: "AUC", values: auc}, {name: "precision", values: precision}, {name: "recall", values: recall}],
    summary: `Mean of the networks. In the last partition: AUC ${text(lastOf(auc), 4)}; of the labelled samples ` +
      `${percent(100 * lastOf(precision))} have a correct label (precision), and of the correct labels ` +
      `${percent(100 * lastOf(recall))} are in the labelled set (recall).${found}`,
  })];
}

function extent(counts) {
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? `${low}` : `${low} to ${high}`;
}

function balance({epoch, given, networks, note}) {
  const most = Math.max(...given, 1);
  const bar = (count) => {
    const mark = html("span", {class: "bar", "aria-hidden": "true"});
    mark.style.width = `${100 * count / most}%`;
    return html("div", {}, `${count}`, mark);
  };
  const head = ["class", "given", ...networks.map((_, k) => `network ${k + 1}`)];
  const rows = names.map((name, c) =>
    [name, bar(given[c]), ...networks.map((counts) => bar(counts[c]))]);
  return [
    html("p", {}, `Before the partition of epoch ${epoch} a class has ${extent(given)} samples with its label; ` +
      `the labelled set of ${networks.map((counts, k) => `network ${k + 1} has ${extent(counts)} of each`).join(", that of ")}.`),
    ...sentences(note),
    scrolling("Class balance", table(`Samples of each given label, and those of them in the labelled set, epoch ${epoch}`,
      head, rows, {class: "bars"}))];
}

function test({images, together, networks, confusion}) {
  const pairs = largestOffDiagonal(confusion, 10);
  const alone = networks.length < 2 ? "" :
    ` Alone, ${networks.map((accuracy, k) => `network ${k + 1} reaches ${percent(accuracy, 2)}`).join(", ")}.`;
  const worst = pairs.length === 0 ? "" :
    ` The most frequent mistake: ${percent(100 * pairs[0].share)} of the images of ` +
    `\u201c${names[pairs[0].i]}\u201d are taken for \u201c${names[pairs[0].j]}\u201d.`;
  const title = "The ten most frequent mistakes";
  return [
    html("p", {}, `${percent(together, 2)} of ${text(images, 0)} test images are classified correctly.${alone}${worst}`),
    heatMap("Confusion matrix", names, confusion, "true class", "predicted class"),
    onDemand(title, () => scrolling(title, table(title, ["true class", "predicted class", "% of the class", "images"],
      pairs.map(({i, j, share, count}) => [names[i], names[j], text(100 * share, 1), text(count, 0)]))))];
}

function noise({samples, expected_wrong, expected_wrong_95, wrong, estimated, known, note}) {
  const [low, high] = expected_wrong_95;
  const rate = `By the networks\u2019 estimate ${percentOf(expected_wrong, samples)} of ${text(samples, 0)} labels are wrong (${percentOf(low, samples)} to ${percentOf(high, samples)})`;
  const parts = [html("p", {}, known ? `${rate}; in fact ${percentOf(wrong, samples)} are.` : `${rate}.`),
    ...sentences(note)];
  if (known) {
    const gaps = estimated.flatMap((row, i) => row.map((share, j) => 100 * Math.abs(share - known[i][j])));
    parts.push(html("p", {}, `The estimated shares differ from the known ones by ${text(sum(gaps) / gaps.length, 1)} ` +
      `percentage points on average and ${text(Math.max(...gaps), 1)} at most.`));
  }
  const title = "The ten largest transitions that are estimated";
  const head = ["true class", "given label", "estimated, %", ...(known ? ["known, %"] : [])];
  return [...parts, html("div", {class: "charts"},
    heatMap("Estimated noise transition matrix", names, estimated, "true class", "given label"),
    ...(known ? [heatMap("Known noise transition matrix", names, known, "true class", "given label")] : [])),
  onDemand(title, () => scrolling(title, table(title, head, largestOffDiagonal(estimated, 10).map(({i, j, count}) =>
    [names[i], names[j], text(100 * count, 1), ...(known ? [text(100 * known[i][j], 1)] : [])]))))];
}

/// Pictures are shown pixel by pixel, tiny ones a whole number of times as large.
const TINY = 48;
const READABLE = 96;

function suspectCard(item, {width, height}) {
  const side = Math.max(width, height);
  const scale = side > TINY ? 1 : Math.floor(READABLE / side);
  const [given, suggested] = [names[item.given], names[item.suggested]];
  const soft = (what, more = {}) => [html("br"), html("span", {class: "soft", ...more}, what)];
  return html("li", {}, html("figure", {},
    !item.image ? `no picture of row ${item.sample}` : html("img", {src: item.image, width: scale * width, height: scale * height,
      ...(scale > 1 ? {class: "tiny"} : {}),
      alt: `Training image ${item.sample}, labelled ${given}; the networks see ${suggested}`}),
    html("figcaption", {}, html("b", {}, `${given} \u2192 ${suggested}`),
      ...(item.true === null ? [] : [html("br"), `true: ${names[item.true]}`]),
      ...soft(`no. ${item.sample}, ${item.wrong > 0.9995 ? "over " : ""}${percent(Math.min(100 * item.wrong, 99.9))}`),
      ...(item.file ? soft(item.file.split("/").slice(-2).join("/"), {title: item.file}) : []))));
}

/// Shown at once; the others when they are asked for, as the page has other sections too.
const FIRST_CARDS = 12;

function cards(items, size) {
  const list = html("ol", {class: "cards", style: `--picture:${Math.max(size.width, 136)}px`});
  list.append(...items.map((item) => suspectCard(item, size)));
  return list;
}

function suspects({samples, flagged, known, note, items, ...size}) {
  const quality = !known ? "" : ` Of the ${text(known.wrong, 0)} labels that are in fact wrong, ` +
    `${text(known.found, 0)} are among them (AUC ${text(known.auc ?? NaN, 4)}).`;
  return [
    html("p", {}, `${text(flagged, 0)} of ${text(samples, 0)} training labels (${percentOf(flagged, samples)}) are more ` +
      `likely wrong than right.${quality}`),
    ...sentences(note),
    html("p", {}, `The ${items.length} most suspect ones: given label \u2192 suggested label; number in the training ` +
      `set, probability that the given label is wrong.`),
    cards(items.slice(0, FIRST_CARDS), size),
    ...(items.length > FIRST_CARDS
      ? [onDemand(`The next ${items.length - FIRST_CARDS}`, () => cards(items.slice(FIRST_CARDS), size))] : [])];
}

function issues({found, duplicates, outliers, ...size}) {
  return [
    html("p", {}, `Compared by their features: ${found}.`),
    ...duplicates.flatMap((set) => [html("p", {}, "Nearly the same:"), cards(set, size)]),
    ...(outliers.length > 0 ? [html("p", {}, "Like no other, the farthest first:"), cards(outliers, size)] : [])];
}

function recipe({changes, fields}) {
  const rows = Object.entries(fields).map(([name, value]) => [name, `${value}`]);
  const title = "Every field of the recipe";
  return [
    html("p", {}, changes.length > 0 ? `Other than the defaults of the preset: ${changes.join(", ")}.`
      : "Every field is the default of the preset."),
    onDemand(title, () => scrolling(title, table(title, ["field", "value"], rows, {class: "fields"})))];
}

showFacts(facts());
section("suspects", report.suspects, suspects);
section("curves", report.curves, curves);
section("selection", report.selection, selection);
section("balance", report.balance, balance);
section("test", report.test, test);
section("noise", report.noise, noise);
section("issues", report.issues, issues);
section("recipe", report.recipe, recipe);
