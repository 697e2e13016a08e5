// Fan chart of one series, drawn from the page's data: history in steps, monthly forecasts with intervals, the previous forecast.
const SVG = "http://www.w3.org/2000/svg";
const DAY = 864e5;
const day = text => Date.parse(text + "T00:00:00Z");
const money = cents => "$" + (cents / 100).toLocaleString("en-US", {minimumFractionDigits: 2, maximumFractionDigits: 2});
function signed(cents) {
  const rounded = Math.round(cents);
  return (rounded > 0 ? "+" : rounded < 0 ? "−" : "") + (Math.abs(rounded) / 100).toFixed(2);
}
const monthName = index => say(DATA.script.months).split(" ")[index];
function dayName(time) {
  const d = new Date(time);
  return d.getUTCDate() + " " + monthName(d.getUTCMonth()) + " " + d.getUTCFullYear();
}
function monthLabel(time) {
  const d = new Date(time);
  return monthName(d.getUTCMonth()) + " " + d.getUTCFullYear();
}

// Decodes one row of the page's data (the encoding is documented in formats/page_data.py) to prices in centavos.
function unpack([runs, lastPrice, months, previous, publications, chances]) {
  const history = [], last = parseInt(lastPrice, 36);
  let price = 0;
  for (const [, step, letter] of runs.matchAll(/(~|-?[0-9a-z]+)([A-Z])/g)) {
    if (step !== "~") price += parseInt(step, 36);
    for (let n = 64; n < letter.charCodeAt(0); n++) history.push(step === "~" ? null : price);
  }
  const list = text => text.split(" ").map(word => (word === "~" ? null : parseInt(word, 36)));
  [months, previous, publications, chances] = [months, previous, publications, chances].map(list);
  const at = (list, i, wide) => list.slice(i * wide, (i + 1) * wide).map(v => (v === null ? null : v + last));
  return {
    last,
    history: history.map((value, i) => [day(DATA.dates[i]), value]).filter(([, value]) => value !== null),
    months: DATA.months.map((text, i) => {
      const [forecast, lo80, hi80, lo95, hi95] = at(months, i, 5);
      const before = previous[i] === null ? null : previous[i] + last;
      return {time: day(text) + 14 * DAY, start: day(text), forecast, lo80, hi80, lo95, hi95, before};
    }),
    nexts: DATA.targets.map((text, i) => {
      const [forecast, lo80, hi80] = at(publications, i, 3), [down, same, up] = chances.slice(3 * i, 3 * i + 3);
      return {time: day(text), forecast, lo80, hi80, down, same, up};
    }),
  };
}

function make(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

function drawFan(place, series, name, onRead) {
  const width = Math.max(300, Math.min(1080, place.clientWidth)), height = width < 500 ? 250 : 320;
  const left = 38, right = 62, top = 12, foot = height - 34;
  const values = series.history.map(p => p[1]).concat(...series.months.map(m => [m.lo95, m.hi95]));
  let low = Math.min(...values), high = Math.max(...values);
  const pad = Math.max(0, 200 - (high - low)) / 2 + 8;
  low -= pad; high += pad;
  const first = series.history[0][0], last = series.months[series.months.length - 1].time;
  const x = time => left + (time - first) / (last - first) * (width - left - right);
  const y = cents => top + (high - cents) / (high - low) * (foot - top);
  const path = points => "M" + points.map(([px, py]) => px.toFixed(1) + " " + py.toFixed(1)).join("L");
  const svg = make("svg", {class: "fan", viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: "0",
    "aria-label": say(DATA.script.chart) + " " + name});

  const step = [10, 20, 50, 100, 200, 500, 1000].find(s => (high - low) / s <= 7) || 2000;
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
    make("line", {class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick)}, svg);
    make("text", {class: "tick", x: left - 5, y: y(tick) + 4, "text-anchor": "end"}, svg, (tick / 100).toFixed(step < 100 ? 2 : 0));
  }
  const every = width < 500 ? 6 : 3;
  for (let d = new Date(first), when = Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 1); when <= last;) {
    const now = new Date(when), month = now.getUTCMonth();
    if (month % every === 0) {
      make("text", {class: "tick", x: x(when), y: foot + 15, "text-anchor": "middle"}, svg, monthName(month));
      if (month === 0) make("text", {class: "year", x: x(when), y: foot + 29, "text-anchor": "middle"}, svg, now.getUTCFullYear());
    }
    when = Date.UTC(now.getUTCFullYear(), month + 1, 1);
  }
  make("line", {class: "axis", x1: left, x2: width - right, y1: foot, y2: foot}, svg);

  const today = series.history[series.history.length - 1][0];
  make("line", {class: "now", x1: x(today), x2: x(today), y1: top, y2: foot}, svg);
  const ahead = series.months.filter(m => m.time > today || m === series.months[series.months.length - 1]);
  for (const [name, lo, hi] of [["band95", "lo95", "hi95"], ["band80", "lo80", "hi80"]]) {
    const edge = ahead.map(m => [x(m.time), y(m[hi])]).concat(ahead.map(m => [x(m.time), y(m[lo])]).reverse());
    make("path", {class: name, d: path([[x(today), y(series.last)], ...edge]) + "Z"}, svg);
  }
  const steps = [];
  series.history.forEach(([time, value], i) => {
    if (i && value !== series.history[i - 1][1]) steps.push([x(time), y(series.history[i - 1][1])]);
    if (!i || value !== series.history[i - 1][1] || i === series.history.length - 1) steps.push([x(time), y(value)]);
  });
  make("path", {class: "history", d: path(steps)}, svg);
  const before = ahead.filter(m => m.before !== null);
  if (before.length > 1) make("path", {class: "before", d: path(before.map(m => [x(m.time), y(m.before)]))}, svg);
  make("path", {class: "forecast", d: path([[x(today), y(series.last)], ...ahead.map(m => [x(m.time), y(m.forecast)])])}, svg);
  for (const m of ahead) make("circle", {class: "ahead", cx: x(m.time), cy: y(m.forecast), r: 3}, svg);
  const end = ahead[ahead.length - 1];
  make("text", {class: "end", x: x(end.time) + 7, y: y(end.forecast) + 5}, svg, money(end.forecast));
  for (const value of [end.hi80, end.lo80])
    if (Math.abs(y(value) - y(end.forecast)) >= 15) make("text", {class: "edge", x: x(end.time) + 7, y: y(value) + 4}, svg, (value / 100).toFixed(2));

  const cursor = make("line", {class: "cursor", y1: top, y2: foot, x1: -9, x2: -9}, svg);
  const spot = make("circle", {class: "spot", r: 4, cx: -9, cy: -9}, svg);
  const stops = series.history.map(([time, value]) => ({time, value, text: dayName(time) + ": " + money(value)}))
    .concat(ahead.map(m => ({time: m.time, value: m.forecast,
      text: `${monthLabel(m.start)}: ${money(m.forecast)} (80 % ${(m.lo80 / 100).toFixed(2)}–${(m.hi80 / 100).toFixed(2)})`})));
  let at = series.history.length - 1;
  const read = index => {
    at = Math.max(0, Math.min(stops.length - 1, index));
    const stop = stops[at];
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, x(stop.time));
    spot.setAttribute("cx", x(stop.time));
    spot.setAttribute("cy", y(stop.value));
    onRead(stop.text);
  };
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), time = first + ((event.clientX - box.left) * width / box.width - left) / (width - left - right) * (last - first);
    let best = 0;
    stops.forEach((stop, i) => { if (Math.abs(stop.time - time) < Math.abs(stops[best].time - time)) best = i; });
    read(best);
  });
  svg.addEventListener("keydown", event => {
    const moved = {ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: stops.length - 1}[event.key];
    if (moved === undefined) return;
    event.preventDefault();
    read(moved);
  });
  place.replaceChildren(svg);
}
