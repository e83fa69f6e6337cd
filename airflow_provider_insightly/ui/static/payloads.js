// The page of the sample payloads: the form decides what is shown, the server makes the requests.
"use strict";

const form = document.getElementById("payload");
const samples = document.getElementById("samples");
const state = document.getElementById("status");
const records = document.getElementById("records");
const format = document.getElementById("format");
const batching = document.getElementById("batching");
const chips = document.getElementById("chips");
const PAUSE_MILLISECONDS = 250;
const edits = new Map(); // what was written into a sample, by the records that it is made of
let asked = 0;
let picked = 0; // what was picked, or written, last is what counts
let lent = ""; // the records as they were picked: while nobody changed them, they may change with the endpoint

function later(action) {
  let timer;
  return (...given) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => action(...given), PAUSE_MILLISECONDS);
  };
}

// The form: what depends on a choice is shown when it matters, and only what is shown counts.

function chosenTemplate() {
  return form.elements.template.selectedOptions[0];
}

function arrange() {
  const mode = form.elements.mode.value;
  const { method, path, id, required } = chosenTemplate().dataset;
  const current = mode === "manual" ? form.elements.method.value : method;
  const show = (selector, isShown) => {
    for (const part of form.querySelectorAll(selector)) part.hidden = !isShown(part.dataset);
  };
  show("[data-mode]", (of) => of.mode === mode);
  show("[data-when-method]", (of) => of.whenMethod === current);
  show("[data-when-mode]", () => current === "PUT" && form.elements.update_mode.value === "replace");
  show("[data-needs-id]", () => mode === "manual" || id !== "");
  show("[data-grouping]", (of) => of.grouping.split(" ").includes(form.elements.grouping.value));
  document.getElementById("batches").hidden = !batching.checked;
  form.elements.id_field.placeholder = mode === "manual" ? "" : id;
  const facts = [`${method} /v3.1${path}`, id && `id field ${id}`, required && `required: ${required}`];
  document.getElementById("about-template").textContent = facts.filter(Boolean).join(" · ");
}

function settings() {
  const given = {};
  for (const control of form.elements) {
    if (!control.name || control.name === "mode" || control.closest("[hidden]")) continue;
    if (control.type !== "checkbox") given[control.name] = control.value;
    else if (control.hasAttribute("value")) given[control.name] = control.checked ? control.value : "";
    else given[control.name] = control.checked;
  }
  return given;
}

function showProblems(problems) {
  for (const place of document.querySelectorAll("[data-problem]")) {
    const text = problems[place.dataset.problem] || "";
    place.textContent = text;
    place.hidden = !text;
    document.getElementById(place.dataset.problem)?.setAttribute("aria-invalid", String(Boolean(text)));
  }
  const homeless = Object.entries(problems).filter(([name]) => {
    const place = document.getElementById(`problem-${name}`);
    return !place || place.parentElement.closest("[hidden]");
  });
  if (homeless.length) {
    const place = document.getElementById("problem-settings");
    place.textContent = homeless.map(([, text]) => text).join(" ");
    place.hidden = false;
  }
}

// The samples

async function update() {
  arrange();
  const mine = ++asked;
  samples.classList.add("stale");
  const size = new Blob([records.value]).size;
  if (size > Number(form.dataset.longest)) {
    const most = Number(form.dataset.longest).toLocaleString("en");
    showProblems({ records: `These are ${size.toLocaleString("en")} bytes, the page takes ${most}: paste fewer records.` });
    state.textContent = "These samples are of before: the records are too many.";
    return;
  }
  const body = { settings: settings(), records: records.value, format: format.value };
  try {
    const found = await ask("POST", `${form.dataset.url}/preview`, body);
    if (mine !== asked) return; // a later change is on its way
    showProblems(found.problems);
    if (found.code) document.getElementById("code").textContent = found.code;
    if (found.html === undefined) {
      state.textContent = samples.children.length ? "Something is to be corrected; these samples are of before." : "Something is to be corrected.";
    } else {
      showSamples(found.html);
      showChips(found.fields);
    }
  } catch (error) {
    if (mine === asked) state.textContent = error.message;
  }
}

const updateLater = later(update);

function showSamples(html) {
  const open = [...samples.querySelectorAll("details.sample")].filter((one) => one.open).map((one) => one.dataset.key);
  const hadSamples = samples.querySelector("details.sample") !== null;
  samples.innerHTML = html; // made by this application, with everything from records escaped
  samples.classList.remove("stale");
  state.textContent = samples.querySelector(".count").textContent;
  const found = [...samples.querySelectorAll("details.sample")];
  const isOpenAsBefore = hadSamples && (open.length === 0 || found.some((sample) => open.includes(sample.dataset.key)));
  for (const sample of found) {
    if (isOpenAsBefore) sample.open = open.includes(sample.dataset.key); // else the first is open
    const edited = edits.get(sample.dataset.key);
    if (edited === undefined) continue;
    sample.querySelector("textarea").value = edited;
    updateSample(sample);
  }
}

function noteInSample(sample, text) {
  const place = sample.querySelector(".edit > .problem");
  place.textContent = text;
  place.hidden = !text;
  sample.querySelector("textarea").setAttribute("aria-invalid", String(Boolean(text)));
}

function sheetOf(sample) {
  return { settings: settings(), records: sample.querySelector("textarea").value, format: "json" };
}

async function updateSample(sample) {
  const sheet = sheetOf(sample);
  sample.classList.add("stale");
  try {
    const found = await ask("POST", `${form.dataset.url}/preview`, sheet);
    if (sheet.records !== sample.querySelector("textarea").value) return;
    noteInSample(sample, Object.values(found.problems).join(" "));
    if (found.html === undefined) return;
    const part = document.createElement("template");
    part.innerHTML = found.html;
    const requests = part.content.querySelectorAll(".request");
    if (requests.length !== 1) return noteInSample(sample, `These records make ${requests.length} requests; a test is one.`);
    sample.querySelector(".request").replaceWith(requests[0]);
    sample.classList.remove("stale");
  } catch (error) {
    noteInSample(sample, error.message);
  }
}

const updateSampleLater = later(updateSample);

samples.addEventListener("input", (event) => {
  const sample = event.target.closest("details.sample");
  edits.set(sample.dataset.key, event.target.value);
  updateSampleLater(sample);
});

// Fields to leave out

function showChips(names) {
  const excluded = form.elements.exclude_attributes.value.split(",").map((name) => name.trim());
  for (const button of chips.querySelectorAll("button")) button.remove();
  for (const name of names.slice(0, 60)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("aria-pressed", String(excluded.includes(name)));
    chips.append(button);
  }
  chips.hidden = names.length === 0;
}

chips.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const excluded = form.elements.exclude_attributes.value.split(",").map((name) => name.trim()).filter(Boolean);
  const rest = excluded.filter((name) => name !== button.textContent);
  const isLeftOut = rest.length === excluded.length;
  form.elements.exclude_attributes.value = (isLeftOut ? [...excluded, button.textContent] : rest).join(", ");
  button.setAttribute("aria-pressed", String(isLeftOut));
  const name = button.textContent;
  update().then(() => [...chips.querySelectorAll("button")].find((one) => one.textContent === name)?.focus());
});

// Test data

async function isConfirmed(what) {
  const dialog = document.getElementById("confirm");
  document.getElementById("confirm-what").textContent = what;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}

async function send(sample, button) {
  const answer = sample.querySelector(".answer");
  const sheet = sheetOf(sample);
  const url = `${form.dataset.url}/test`;
  button.disabled = true;
  answer.textContent = "Sending …";
  try {
    let found = await ask("POST", url, sheet);
    if (found.confirm !== undefined) {
      answer.textContent = "";
      if (!(await isConfirmed(found.confirm))) return;
      answer.textContent = "Deleting …";
      found = await ask("POST", url, { ...sheet, confirm_delete: true });
    }
    noteInSample(sample, Object.values(found.problems).join(" "));
    answer.innerHTML = found.html ?? ""; // made by this application, with everything from the answer escaped
  } catch (error) {
    answer.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

samples.addEventListener("click", (event) => {
  const button = event.target.closest("[data-send]");
  if (button) send(button.closest("details.sample"), button);
});

// Records and settings to start from

async function pick(source) {
  const { template = "", url = "", object = "" } = settings();
  const mine = ++picked;
  const query = new URLSearchParams({ template, url, object, staged: String(source === "staged") });
  try {
    const found = await ask("GET", `${form.dataset.url}/records?${query}`);
    if (mine !== picked) return;
    showProblems(found.problems);
    if (found.records === undefined) return;
    records.value = lent = found.records;
    edits.clear();
    await update();
  } catch (error) {
    showProblems({ records: error.message });
  }
}

function startFrom(option) {
  if (!option.dataset.settings) return;
  const given = JSON.parse(option.dataset.settings);
  form.elements.mode.value = given.template ? "template" : "manual";
  for (const name of ["id_field", "headers", "exclude_attributes", "include_attributes", "rename", "url"]) {
    form.elements[name].value = given[name] ?? "";
  }
  if (given.template) form.elements.template.value = given.template;
  if (form.elements.template.selectedIndex < 0) form.elements.template.value = "create_contact";
  edits.clear();
  if (option.dataset.records) {
    picked += 1;
    records.value = option.dataset.records;
    lent = "";
    update();
  } else {
    arrange();
    pick("example");
  }
}

document.getElementById("task")?.addEventListener("change", (event) => startFrom(event.target.selectedOptions[0]));

for (const button of form.querySelectorAll("[data-pick]")) button.addEventListener("click", () => pick(button.dataset.pick));

document.getElementById("copy").addEventListener("click", async () => {
  const code = document.getElementById("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    say("Copied.");
  } catch {
    window.getSelection().selectAllChildren(code);
    say("This browser does not let the page copy: the text is selected, press Ctrl+C.");
  }
});

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  if (event.target.id === "task") return;
  if (event.target === records) {
    picked += 1;
    edits.clear();
  }
  arrange();
  const isExample = records.value === lent && lent !== "";
  if (isExample && event.target === form.elements.template) pick("example");
  else updateLater();
});

arrange();
if (records.value.trim()) update();
else pick("example");
