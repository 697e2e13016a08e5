"use strict";
// The page's data and its two languages: every text node and label that is in the dictionary is replaced as a whole.
const DATA = JSON.parse(document.getElementById("data").textContent);
const SPOKEN = ["aria-label", "title"];
let language = "es";

const squeeze = text => text.replace(/\s+/g, " ").trim();
function english(spanish) {
  // The same hash as page_data.text_hash: FNV-1a, 32 bits.
  let value = 0x811c9dc5;
  for (let i = 0; i < spanish.length; i++) value = Math.imul(value ^ spanish.charCodeAt(i), 0x01000193) >>> 0;
  return DATA.words[value.toString(36)];
}
const say = spanish => (language === "en" && english(spanish)) || spanish;

const pairs = [];
function learn(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (/^(SCRIPT|STYLE)$/.test(node.parentNode.tagName)) continue;
    const said = english(squeeze(node.data));
    if (said) pairs.push([node, node.data, node.data.replace(node.data.trim(), () => said)]);
  }
  for (const element of root.querySelectorAll("[aria-label],[title]"))
    for (const name of SPOKEN) {
      const said = english(squeeze(element.getAttribute(name) || ""));
      if (said) pairs.push([element, element.getAttribute(name), said, name]);
    }
}

function speak(chosen) {
  language = chosen === "en" ? "en" : "es";
  document.documentElement.lang = language;
  for (const [node, spanish, english, name] of pairs) {
    const text = language === "en" ? english : spanish;
    if (name) node.setAttribute(name, text);
    else node.data = text;
  }
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
}
