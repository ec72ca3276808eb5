"use strict";
// What every section is made of. Names and paths come from users: text goes into text nodes and
// attributes, never into markup.

const report = JSON.parse(document.getElementById("report").textContent);
const SVG = document.getElementById("blank").namespaceURI;

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const html = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/// A number for people, or a dash where there is none.
function text(value, digits = 2) {
  return Number.isFinite(value)
    ? value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits})
    : "\u2013";
}
const percent = (value, digits = 1) => `${text(value, digits)}\u00a0%`;
const percentOf = (part, whole) => percent(whole > 0 ? 100 * part / whole : NaN);
const range = (count) => Array.from({length: count}, (_, i) => i);
const sum = (values) => values.reduce((a, b) => a + b, 0);
const lastOf = (values) => values.findLast((value) => value !== null) ?? NaN;

/// Fills a section with what `make` makes of its data, or with the sentence that says why there is
/// none.
function section(id, data, make) {
  const parts = data.missing ? [html("p", {}, data.missing)] : make(data);
  document.getElementById(id).append(...parts);
}

/// Names and values at the top of the page.
function showFacts(entries) {
  document.getElementById("facts").append(...entries.map(([name, value]) =>
    html("div", {}, html("dt", {}, name), html("dd", {}, value))));
}

/// Draws anew whenever the width of `holder` changes; returns a function that draws at once.
function drawToWidth(holder, draw) {
  const redraw = () => {
    if (holder.clientWidth > 0) holder.replaceChildren(draw(holder.clientWidth));
  };
  // Later: an observer that changes what it observes is an error in the console.
  let width = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth === width) return;
    width = holder.clientWidth;
    setTimeout(redraw);
  }).observe(holder);
  return redraw;
}

/// A region that scrolls by itself, with the keyboard too.
const scrolling = (label, child) =>
  html("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": label}, child);

/// Rows of cells, the first of each naming it.
function table(caption, head, rows, attributes = {}) {
  return html("table", attributes, html("caption", {}, caption),
    html("thead", {}, html("tr", {}, ...head.map((cell) => html("th", {scope: "col"}, cell)))),
    html("tbody", {}, ...rows.map(([name, ...cells]) => html("tr", {},
      html("th", {scope: "row"}, name), ...cells.map((cell) => html("td", {}, cell))))));
}

/// Made when it is opened, as it may be long.
function onDemand(title, make) {
  const details = html("details", {}, html("summary", {}, title));
  details.addEventListener("toggle", () => details.append(make()), {once: true});
  return details;
}

/// Round values that span low to high.
function ticks(low, high, about) {
  const raw = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1).map((i) => {
    const value = (first + i) * step;
    return {value, label: text(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))};
  });
}

const COLOURS = 8;
const DASHES = ["none", "6 3", "2 3", "8 3 2 3"];
/// Where colours begin again, each has another dash than before.
const seriesStyle = (i) => ({class: `series stroke-${i % COLOURS + 1}`,
  "stroke-dasharray": DASHES[(i + Math.floor(i / COLOURS)) % DASHES.length]});

function legend(entries) {
  return html("ul", {class: "legend"}, ...entries.map(({mark, name}) => html("li", {},
    svg("svg", {width: 24, height: 12, viewBox: "0 0 24 12", "aria-hidden": "true"}, mark), name)));
}

/// "M x y L x y ...", with gaps where a value is missing.
function linePath(points) {
  let pen = "M";
  return points.map(([x, y]) => {
    if (y === null) {
      pen = "M";
      return "";
    }
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return step;
  }).join("");
}

/// The area between low and high, where both are there.
function bandPath(epochs, {low, high}, x, y) {
  const point = (i, values) => `${x(epochs[i]).toFixed(1)} ${y(values[i]).toFixed(1)}`;
  const parts = [[]];
  epochs.forEach((_, i) => {
    if (low[i] !== null && high[i] !== null) parts.at(-1).push(i);
    else parts.push([]);
  });
  return parts.filter((part) => part.length > 0).map((part) => "M" +
    [...part.map((i) => point(i, high)), ...part.reverse().map((i) => point(i, low))].join("L") + "Z").join("");
}

/// chart: {title, summary, epochs, warmUps: [[first, end], ...], series: [{name, values, band,
/// style}], digits, low, high}. May be left out: low and high; of a series the band, {low, high} by
/// epoch, and the number of its style, which else is its place.
function lineChart(chart) {
  const readout = html("p", {class: "readout", "aria-hidden": "true"});
  const holder = html("div", {class: "chart"});
  const show = (i) => {
    readout.textContent = `epoch ${chart.epochs[i]}: ` + chart.series
      .filter(({values}) => values[i] !== null)
      .map(({name, values}) => `${name} ${text(values[i], chart.digits)}`).join(", ");
  };
  show(chart.epochs.length - 1);
  drawToWidth(holder, (width) => drawLines(chart, width, show));
  return html("figure", {},
    html("figcaption", {}, html("h3", {}, chart.title), html("p", {}, chart.summary)),
    legend(chart.series.map(({name, style}, i) =>
      ({name, mark: svg("path", {d: "M0 6H24", ...seriesStyle(style ?? i)})}))),
    holder, readout,
    onDemand("Values as a table", () => scrolling(`${chart.title}, values`,
      table(`${chart.title}, by epoch`, ["epoch", ...chart.series.map(({name}) => name)],
        chart.epochs.map((epoch, i) => [`${epoch}`,
          ...chart.series.map(({values}) => text(values[i] ?? NaN, chart.digits))])))));
}

function drawLines(chart, width, show) {
  const height = 240;
  const left = 44;
  const [top, right, bottom] = [8, 8, 34];
  const {epochs, series} = chart;
  const values = series.flatMap((one) => one.values.filter((value) => value !== null));
  const low = chart.low ?? Math.min(0, ...values);
  const high = Math.max(chart.high ?? -Infinity, ...values, low + 1e-9);
  const first = epochs[0];
  const last = Math.max(epochs.at(-1), first + 1);
  const x = (epoch) => left + (epoch - first) / (last - first) * (width - left - right);
  const y = (value) => height - bottom - (value - low) / (high - low) * (height - top - bottom);
  const picture = svg("svg", {width, height, role: "img", "aria-label": `${chart.title}. ${chart.summary}`});
  for (const [begin, end] of chart.warmUps.filter(([begin, end]) => end > Math.max(begin, first) && begin < last)) {
    const from = x(Math.max(begin - 0.5, first));
    const to = x(Math.min(end - 0.5, last));
    picture.append(svg("rect", {class: "warm-up", x: from, y: top, width: to - from, height: height - top - bottom}),
      svg("text", {x: from + 4, y: height - bottom - 5}, "warm-up"));
  }
  for (const {value, label} of ticks(low, high, 5)) {
    picture.append(svg("path", {class: "grid", d: `M${left} ${y(value)}H${width - right}`}),
      svg("text", {x: left - 6, y: y(value) + 4, "text-anchor": "end"}, label));
  }
  for (const {value, label} of ticks(first, last, Math.min(width / 70, last - first))) {
    picture.append(svg("text", {x: x(value), y: height - bottom + 16, "text-anchor": "middle"}, label));
  }
  picture.append(svg("path", {class: "axis", d: `M${left} ${height - bottom}H${width - right}`}),
    svg("text", {x: (left + width) / 2, y: height - 3, "text-anchor": "middle"}, "epoch"));
  series.forEach(({band, style}, i) => {
    if (!band) return;
    picture.append(svg("path", {class: seriesStyle(style ?? i).class.replace("series stroke", "band fill"),
      d: bandPath(epochs, band, x, y)}));
  });
  series.forEach((one, i) => picture.append(svg("path", {...seriesStyle(one.style ?? i),
    d: linePath(epochs.map((epoch, e) => [x(epoch), one.values[e] === null ? null : y(one.values[e])]))})));
  series.forEach((one, i) => {
    // A line needs two points.
    const lonely = epochs.flatMap((epoch, e) => {
      const isThere = (at) => (one.values[at] ?? null) !== null;
      return isThere(e) && !isThere(e - 1) && !isThere(e + 1)
        ? [`M${x(epoch).toFixed(1)} ${y(one.values[e]).toFixed(1)}h0`] : [];
    });
    if (lonely.length === 0) return;
    picture.append(svg("path", {class: seriesStyle(one.style ?? i).class.replace("series", "dots"), d: lonely.join("")}));
  });
  const cursor = svg("path", {class: "cursor", d: ""});
  picture.append(cursor);
  picture.addEventListener("pointermove", (event) => {
    const at = event.clientX - picture.getBoundingClientRect().left;
    const nearest = epochs.reduce((best, epoch, i) =>
      Math.abs(x(epoch) - at) < Math.abs(x(epochs[best]) - at) ? i : best, 0);
    cursor.setAttribute("d", `M${x(epochs[nearest])} ${top}V${height - bottom}`);
    show(nearest);
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("d", "");
    show(epochs.length - 1);
  });
  return picture;
}

/// Shares of rows of `counts`, as a table while there is room for one, else as a picture.
function heatMap(caption, names, counts, rowTitle, columnTitle) {
  const totals = counts.map(sum);
  const share = (i, j) => totals[i] > 0 ? counts[i][j] / totals[i] : 0;
  if (names.length > 20) {
    const side = 6 * names.length;
    const picture = svg("svg", {viewBox: `0 0 ${side} ${side}`, width: "100%", role: "img",
      "aria-label": `${caption}. Rows: ${rowTitle}, columns: ${columnTitle}.`});
    range(names.length ** 2).forEach((k) => {
      const [i, j] = [Math.floor(k / names.length), k % names.length];
      if (share(i, j) < 0.005) return;
      picture.append(svg("rect", {class: "heat", x: 6 * j, y: 6 * i, width: 6, height: 6,
        opacity: Math.sqrt(share(i, j))},
      svg("title", {}, `${names[i]}, ${names[j]}: ${percent(100 * share(i, j))}`)));
    });
    return html("figure", {class: "map"}, html("figcaption", {},
      `${caption}. Rows: ${rowTitle}, columns: ${columnTitle}, in the order of the classes.`), picture);
  }
  const cell = (i, j) => html("td", {
    style: `--share:${(62 * share(i, j)).toFixed(1)}%`,
    title: `${rowTitle} ${names[i]}, ${columnTitle} ${names[j]}: ${text(counts[i][j], counts[i][j] % 1 ? 3 : 0)}`,
  }, text(100 * share(i, j), 0));
  return scrolling(caption, html("table", {class: "heat-table"},
    html("caption", {}, `${caption}. Rows: ${rowTitle}, columns: ${columnTitle}; percent of the row.`),
    html("thead", {}, html("tr", {}, html("td"), ...names.map((name) =>
      html("th", {scope: "col", title: name}, html("span", {}, name))))),
    html("tbody", {}, ...names.map((name, i) => html("tr", {},
      html("th", {scope: "row", title: name}, name), ...names.map((_, j) => cell(i, j)))))));
}

/// The pairs off the diagonal that take the largest part of their row.
function largestOffDiagonal(counts, most) {
  const pairs = counts.flatMap((row, i) => row.map((count, j) =>
    ({i, j, count, share: sum(row) > 0 ? count / sum(row) : 0})));
  return pairs.filter(({i, j, count}) => i !== j && count > 0)
    .sort((a, b) => b.share - a.share).slice(0, most);
}
