"use strict";
// Runs inside of a page in the tests with a browser: what a reader would miss becomes an error in
// the console. The last message says that the page was looked at, in which width, and its sections.

const problem = (what) => console.error(`${what}, at width ${innerWidth}`);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const nameOf = (element) => `${element.closest("section")?.id}: ${element.closest("figure")?.innerText.split("\n")[0]}`;

/// Lines, points and areas, not the grid and the axes.
const MARKS = [".series", ".band", ".dots", ".crosses", ".ellipse", ".mean"].map((mark) => `path${mark}`).join();
const isDrawn = (path) => /[HVLhvl]/.test(path.getAttribute("d"));

function checkCharts() {
  for (const chart of all(".chart")) {
    const picture = chart.querySelector("svg");
    if (!picture) problem(`an empty chart (${nameOf(chart)})`);
    else if (!all(MARKS, picture).some(isDrawn)) problem(`a chart without marks (${nameOf(chart)})`);
    else if (!picture.getAttribute("aria-label")) problem(`a chart without a summary (${nameOf(chart)})`);
  }
  for (const map of all(".map svg")) {
    if (all(".heat", map).length === 0) problem(`an empty map (${nameOf(map)})`);
  }
}

function checkSections() {
  for (const section of all("section")) {
    if (section.children.length < 2) problem(`an empty section (${section.id})`);
  }
  for (const link of all("a[href^='#']")) {
    if (!document.getElementById(link.hash.slice(1))) problem(`a link to nowhere (${link.hash})`);
  }
  if (all("#facts > div").length === 0) problem("no facts");
}

function checkPictures() {
  const stored = JSON.parse(document.getElementById("report")?.textContent ?? "{}").suspects;
  for (const picture of all("img")) {
    if (stored && picture.naturalWidth !== stored.width) problem("a picture that is not as it was stored");
    const scale = picture.clientWidth / picture.naturalWidth;
    if (!picture.complete || picture.naturalWidth === 0) problem("a picture that is not shown");
    else if (scale > 1 && !Number.isInteger(scale)) problem(`a picture ${scale} times as large as it is`);
    else if (scale < 1 && picture.naturalWidth < 300) problem(`a picture ${scale} times as large as it is`);
  }
}

function checkText() {
  const strange = /\bNaN\b|\bundefined\b|\[object /;
  if (strange.test(document.body.innerText)) problem("a text with NaN or undefined");
  for (const element of all("main *")) {
    for (const {name, value} of element.attributes) {
      if (strange.test(value)) problem(`${element.tagName} with ${name}="${value.slice(0, 80)}"`);
    }
  }
  const excess = document.documentElement.scrollWidth - innerWidth;
  if (excess > 0) problem(`${excess} pixels beyond the screen`);
}

function check() {
  checkCharts();
  checkSections();
  checkPictures();
  checkText();
}

const later = () => new Promise((resume) => { setTimeout(resume, 300); });

async function inspectPage() {
  await later();
  check();
  for (const slider of all("input[type=range]")) {
    slider.value = slider.min;
    slider.dispatchEvent(new Event("input"));
  }
  for (const details of all("details")) details.open = true;
  await later();
  check();
  console.log(`looked at, at width ${innerWidth}: ${all("section").map(({id}) => id).join(" ")}`);
}
addEventListener("load", inspectPage);
