// The sections of the page, each from its part of the comparison.

const {labels, seeds, epochs} = report;
const withRuns = labels.filter(({done}) => done > 0);

/// "79.30 ± 0.41", "79.30" of one seed, a dash of none.
const spread = ({mean, deviation}, digits) =>
  text(mean ?? NaN, digits) + (deviation === null ? "" : `\u00a0\u00b1\u00a0${text(deviation, digits)}`);
const seedsDone = ({done, asked, failed}) =>
  (done < asked ? `${done} of ${asked}` : `${done}`) + (failed > 0 ? `, ${failed} failed` : "");
const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function facts() {
  const done = sum(labels.map((one) => one.done));
  return [["Runs", `${done} of ${labels.length * seeds.length}`], ["Seeds", seeds.join(", ")],
    ["Epochs", `${epochs.length}`]];
}

function results() {
  const rows = labels.map((one) => [one.label, seedsDone(one), spread(one.best_acc, 2),
    spread(one.mean_last10, 2), spread(one.auc, 4), spread(one.minutes, 1)]);
  const failures = report.failures.map(({label, seed, sentence}) =>
    html("li", {}, `${label}, seed ${seed}, failed: ${sentence}`));
  return [
    html("p", {}, "Means over the seeds \u00b1 one sample standard deviation. AUC: how well the last partition " +
      "tells wrong labels from correct ones."),
    scrolling("Results", table("Test accuracy, AUC and training time",
      ["", "seeds", "best, %", "last 10 epochs, %", "AUC", "minutes"], rows)),
    ...(failures.length > 0 ? [html("ul", {}, ...failures)] : [])];
}

/// Multiples of ten around percentages.
function reach(values) {
  const low = Math.max(0, Math.min(90, 10 * Math.floor(Math.min(...values) / 10)));
  return [low, Math.min(100, Math.max(low + 10, 10 * Math.ceil(Math.max(...values) / 10)))];
}

function curves() {
  if (withRuns.length === 0) return [html("p", {}, "No run has ended yet, so there are no curves.")];
  const series = withRuns.map(({label, curve, done}) =>
    ({name: label, values: curve.mean, style: styleOf(label), band: done > 1 ? curve : undefined}));
  const [low, high] = reach(withRuns.flatMap(({curve}) =>
    [...curve.mean, ...curve.low, ...curve.high].filter((value) => value !== null)));
  const ends = series.map(({name, values}) => `${name} ${percent(lastOf(values), 2)}`);
  return [lineChart({
    title: "Test accuracy, percent", epochs, warmUps: [], digits: 2, low, high, series,
    summary: `Means over the seeds${series.some(({band}) => band) ? "; a band is one standard deviation to either side" : ""}. ` +
      `In the last epoch: ${ends.join(", ")}.`,
  })];
}

/// The place of a label decides its colour, also in charts that leave some labels out.
const styleOf = (label) => labels.findIndex((one) => one.label === label);

/// chart: {title, summary, digits, rows: [{label, mean, deviation, values, seeds}]}
function dotChart(chart) {
  const holder = html("div", {class: "chart"});
  drawToWidth(holder, (width) => drawDots(chart, width));
  return html("figure", {},
    html("figcaption", {}, html("h3", {}, chart.title), html("p", {}, chart.summary)),
    holder,
    onDemand("Values as a table", () => scrolling(`${chart.title}, values`,
      table(`${chart.title}, by seed`, ["seed", ...chart.rows.map(({label}) => label)],
        seeds.map((seed) => [`${seed}`, ...chart.rows.map((row) =>
          text(row.values[row.seeds.indexOf(seed)] ?? NaN, chart.digits))])))));
}

/// Where the values lie, with a margin.
function extentOf(rows, digits) {
  const all = rows.flatMap(({mean, deviation, values}) =>
    [...values.filter((value) => value !== null), mean - (deviation ?? 0), mean + (deviation ?? 0)]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = Math.max(0.06 * (high - low), 10 ** (1 - digits));
  return [low - margin, high + margin];
}

function drawDots({title, summary, digits, rows}, width) {
  const [rowHeight, top, side, bottom] = [46, 4, 10, 24];
  const height = top + rows.length * rowHeight + bottom;
  const [low, high] = extentOf(rows, digits);
  const x = (value) => side + (value - low) / (high - low) * (width - 2 * side);
  const picture = svg("svg", {width, height, role: "img", "aria-label": `${title}. ${summary}`});
  for (const {value, label} of ticks(low, high, width / 90)) {
    picture.append(svg("path", {class: "grid", d: `M${x(value)} ${top}V${height - bottom}`}),
      svg("text", {x: x(value), y: height - bottom + 16, "text-anchor": "middle"}, label));
  }
  rows.forEach((row, i) => {
    const middle = top + i * rowHeight + 31;
    const {class: colour} = seriesStyle(styleOf(row.label));
    if (row.deviation !== null) {
      picture.append(svg("path", {class: "deviation",
        d: `M${x(row.mean - row.deviation)} ${middle}H${x(row.mean + row.deviation)}`}));
    }
    picture.append(svg("path", {class: "mean", d: `M${x(row.mean)} ${middle - 10}v20`}));
    const step = Math.min(5, 16 / row.values.length);
    row.values.forEach((value, k) => {
      if (value === null) return;
      const y = middle + (k - (row.values.length - 1) / 2) * step;
      picture.append(svg("path", {class: colour.replace("series", "dots seed"), d: `M${x(value).toFixed(1)} ${y.toFixed(1)}h0`},
        svg("title", {}, `${row.label}, seed ${row.seeds[k]}: ${text(value, digits)}`)));
    });
    picture.append(svg("text", {class: "name", x: side, y: middle - 15}, `${row.label}  ${spread(row, digits)}`));
  });
  return picture;
}

function everySeed() {
  const figures = [["best_acc", "Best test accuracy, percent", 2],
    ["mean_last10", "Mean of the last 10 epochs, percent", 2],
    ["auc", "AUC of the last partition", 4]];
  const charts = figures.flatMap(([key, title, digits]) => {
    const rows = withRuns.filter((one) => one[key].mean !== null)
      .map((one) => ({label: one.label, seeds: one.seeds, ...one[key]}));
    if (rows.length === 0) return [];
    const best = rows.reduce((a, b) => b.mean > a.mean ? b : a);
    return [dotChart({title, digits, rows,
      summary: `${best.label} has the highest mean: ${spread(best, digits)}, over ${count(best.seeds.length, "seed")}.`})];
  });
  if (charts.length === 0) return [html("p", {}, "No run has ended yet.")];
  return [
    html("p", {}, "A dot is a run, the upright line the mean, the level one a standard deviation to either side."),
    html("div", {class: "charts"}, ...charts)];
}

function settings() {
  const {differences} = report;
  if (differences.length === 0) return [html("p", {}, "None: every field is the same for all.")];
  const value = (one) => one === null ? "\u2013" : `${one}`;
  return [scrolling("Settings that differ", table("Fields of the recipes; seeds and machines are left out",
    ["field", ...labels.map(({label}) => label)],
    differences.map(({field, values}) => [field, ...values.map(value)]), {class: "fields"}))];
}

showFacts(facts());
section("results", report, results);
section("curves", report, curves);
section("seeds", report, everySeed);
section("settings", report, settings);
