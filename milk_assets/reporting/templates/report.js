// The explorer, the map and the page's address. A reader's choices are kept in the fragment, so that a link opens the same view.
const by = id => document.getElementById(id);
const FIELDS = {state: "estado", city: "ciudad", milk: "leche", channel: "canal"};
const NAMES = {series: "serie", sort: "orden", map: "mapa", language: "idioma", ...FIELDS};
const FIRST = {series: "", sort: "", map: DATA.map[0].k, language: "es", state: "", city: "", milk: "", channel: ""};
const state = {...FIRST};
const table = by("t-series");
const slug = text => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
const code = (id, label) => [...by(id).options].find(option => option.text === label).value;
const rows = table ? [...table.tBodies[0].rows].map((element, place) => {
  const [[city, region], [milk, channel]] = [...element.cells].slice(0, 2).map(cell => [cell.firstChild.data.trim(), cell.lastChild.textContent]);
  const parts = [slug(region), slug(city), code("f-milk", milk), code("f-channel", channel)];
  const row = {element, place, series: DATA.series[place], names: {city, state: region}, key: parts.join("/"), national: region === "Nacional"};
  [row.state, row.city, row.milk, row.channel] = parts;
  return row;
}) : [];
const NUMBER = text => text === "—" ? null : Number(text.replace(/[^\d.,−-]/g, "").replace("−", "-").replace(/,/g, ""));

function restore() {
  const said = new URLSearchParams(location.hash.slice(1)), keys = new Set(rows.map(row => row.key));
  for (const name in NAMES) state[name] = said.get(NAMES[name]) || FIRST[name];
  if (!keys.has(state.series)) state.series = rows.length ? rows[0].key : "";
  for (const name in FIELDS) if (!rows.some(row => row[name] === state[name])) state[name] = "";
  if (!/^-?\d{1,2}$/.test(state.sort) || !table || Number(state.sort.replace("-", "")) >= table.tHead.rows[0].cells.length) state.sort = "";
  if (!DATA.map.some(view => view.k === state.map)) state.map = FIRST.map;
}

function keep() {
  const said = new URLSearchParams();
  for (const name in NAMES) if (state[name] !== FIRST[name]) said.set(NAMES[name], state[name]);
  history.replaceState(null, "", "#" + said.toString().replace(/%2F/g, "/"));
}

function change(values) {
  Object.assign(state, values);
  keep();
  show();
}

function fill(select, options) {
  const chosen = state[select.id.slice(2)];
  while (select.options.length > 1) select.remove(1);
  for (const [value, text] of options) select.add(new Option(text, value));
  select.value = chosen;
}

function distinct(list, value, text) {
  const found = new Map(list.map(row => [row[value], row.names[text]]));
  return [...found].sort((a, b) => a[1].localeCompare(b[1], "es"));
}

function showRows() {
  const cities = rows.filter(row => !row.national);
  fill(by("f-state"), distinct(cities, "state", "state"));
  const within = cities.filter(row => !state.state || row.state === state.state);
  if (state.city && !within.some(row => row.city === state.city)) state.city = "";
  fill(by("f-city"), distinct(within, "city", "city"));
  for (const name of ["milk", "channel"]) by("f-" + name).value = state[name];
  let count = 0;
  for (const row of rows) {
    const kept = Object.keys(FIELDS).every(name => !state[name] || row[name] === state[name]);
    row.element.hidden = !kept;
    count += kept;
    row.element.classList.toggle("on", row.key === state.series);
    row.button.setAttribute("aria-pressed", String(row.key === state.series));
  }
  by("count").textContent = count ? `${count} ${say(DATA.script.of)} ${rows.length} ${say(DATA.script.series)}` : say(DATA.script.none);
  sortRows();
}

function sortRows() {
  const down = state.sort.startsWith("-"), column = state.sort ? Number(state.sort.replace("-", "")) : -1;
  [...table.tHead.rows[0].cells].forEach((head, place) =>
    place === column ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
  const value = row => column < 2 ? row.element.cells[column].textContent : NUMBER(row.element.cells[column].textContent);
  const ordered = column < 0 ? rows : [...rows].sort((a, b) => {
    const p = value(a), q = value(b);
    if (p === null || q === null) return (p === null) - (q === null);
    return (typeof p === "string" ? p.localeCompare(q, "es") : p - q) * (down ? -1 : 1) || a.place - b.place;
  });
  table.tBodies[0].append(...ordered.map(row => row.element));
}

function cells(names, list) {
  const made = document.createElement("table");
  const head = made.createTHead().insertRow();
  names.forEach((name, place) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = say(name);
    if (place) cell.className = "n";
    head.append(cell);
  });
  const body = made.createTBody();
  for (const values of list) {
    const row = body.insertRow();
    values.forEach((value, place) => { const cell = row.insertCell(); cell.textContent = value; if (place) cell.className = "n"; });
  }
  return made;
}

function showChosen() {
  const row = rows.find(one => one.key === state.series);
  if (!row) return;
  const series = unpack(row.series), words = DATA.script;
  const [milk, channel] = [row.element.cells[1].firstChild.textContent.trim(), row.element.cells[1].querySelector("small").textContent];
  const city = row.button.firstChild.textContent.trim();
  const name = `${city}${row.national ? "" : ", " + row.names.state} · ${milk}, ${channel.toLowerCase()}`;
  by("chosen").hidden = false;
  by("chosen-name").textContent = name;
  by("chosen-line").textContent = `${say(words.last)} ${money(series.last)}`;
  by("reading").textContent = say(words.read);
  drawFan(by("chosen-chart"), series, name, text => { by("reading").textContent = text; });
  const interval = one => `${(one.lo80 / 100).toFixed(2)} – ${(one.hi80 / 100).toFixed(2)}`;
  by("chosen-tables").replaceChildren(
    cells([words.month, words.forecast, words.interval, words.no_change, words.previous], series.months.map(m => [
      monthLabel(m.start), money(m.forecast), interval(m),
      m === series.months[0] ? "" : signed(m.forecast - series.last), m.before === null ? "—" : signed(m.forecast - m.before)])),
    cells([words.publication, words.forecast, words.interval, words.down, words.same, words.up], series.nexts.map(n => [
      dayName(n.time), money(n.forecast), interval(n), n.down + " %", n.same + " %", n.up + " %"])));
}

function showMap() {
  const view = DATA.map.find(one => one.k === state.map), svg = by("mexico"), slash = state.map.lastIndexOf("/");
  const kind = state.map.slice(slash + 1);
  by("map-market").value = state.map.slice(0, slash);
  by("map-kind").value = kind;
  by("map-title").textContent = say(view.t);
  svg.setAttribute("class", "choropleth by-" + kind);
  by("map-legend").className = "legend by-" + kind;
  svg.querySelectorAll("path").forEach((path, place) => {
    const name = path.dataset.name, chosen = path.id === "mx-" + state.state;
    path.setAttribute("class", "c" + view.c[place] + (chosen ? " on" : ""));
    const text = `${name} ${view.f[place] || say(DATA.script.no_price)}`;
    path.firstChild.textContent = text;
    path.setAttribute("aria-label", text);
    path.setAttribute("aria-pressed", String(chosen));
    const label = svg.querySelector(`[data-s="${path.id.slice(3)}"]`);
    if (label) label.textContent = view.f[place];
  });
  const picked = svg.querySelector("path.on");
  document.querySelector(".hint").textContent = picked ? picked.getAttribute("aria-label") : say(DATA.script.hint);
  by("map-legend").replaceChildren(...[...view.l.map((text, place) => ["c" + place, text]), ["cx", say(DATA.script.no_price)]].map(([name, text]) => {
    const item = document.createElement("span"), key = document.createElement("i");
    key.className = name;
    item.append(key, text);
    return item;
  }));
}

function show() {
  speak(state.language);
  showMap();
  if (table) { showRows(); showChosen(); }
}

// The HTTP endpoint serves only the newest report: as reports/latest, and its formats as latest.xlsx and so on.
function relink() {
  const served = location.pathname.match(/^(.*\/reports\/latest)(\.html)?$/);
  if (!served) return;
  for (const link of document.querySelectorAll(".links a")) {
    const format = link.getAttribute("href").match(/^report(\.\w+)$/);
    if (format) link.href = served[1] + format[1];
    else link.hidden = true;
  }
}

function begin() {
  relink();
  document.querySelectorAll(".controls,.tongues,.hint").forEach(element => { element.hidden = false; });
  for (const row of rows) {
    const cell = row.element.cells[0];
    row.button = document.createElement("button");
    row.button.type = "button";
    row.button.className = "pick";
    row.button.append(...cell.childNodes);
    cell.append(row.button);
    row.button.addEventListener("click", () => change({series: row.key}));
  }
  learn(document.body);
  if (table) {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const first = place < 2 ? String(place) : "-" + place, other = place < 2 ? "-" + place : String(place);
        change({sort: state.sort === first ? other : state.sort === other ? "" : first});
      });
    });
    for (const name in FIELDS) by("f-" + name).addEventListener("change", event => change({[name]: event.target.value}));
    document.querySelector(".explorer form").addEventListener("reset", event => { event.preventDefault(); change({state: "", city: "", milk: "", channel: ""}); });
    addEventListener("resize", showChosen);
  }
  document.querySelectorAll("[data-language]").forEach(button => button.addEventListener("click", () => change({language: button.dataset.language})));
  const chooseMap = () => change({map: by("map-market").value + "/" + by("map-kind").value});
  by("map-market").addEventListener("change", chooseMap);
  by("map-kind").addEventListener("change", chooseMap);
  for (const path of by("mexico").querySelectorAll("path")) {
    const choose = () => change({state: state.state === path.id.slice(3) ? "" : path.id.slice(3), city: ""});
    path.setAttribute("tabindex", "0");
    path.setAttribute("role", "button");
    path.addEventListener("click", choose);
    path.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } });
  }
  addEventListener("hashchange", () => { if (location.hash.includes("=")) { restore(); show(); } });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(element => { element.dataset.was = element.open; element.open = true; }));
  addEventListener("afterprint", () => document.querySelectorAll("details").forEach(element => { element.open = element.dataset.was === "true"; }));
  restore();
  show();
}
begin();
