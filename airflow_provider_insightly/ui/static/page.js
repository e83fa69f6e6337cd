// What every page does: times in Airflow's time zone, links that leave the frame, requests that answer in place.
"use strict";

const framed = window.parent !== window;

function showTimes(inside = document) {
  const zone = window.localStorage.getItem("timezone") || undefined;
  const written = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone });
  for (const time of inside.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title ||= time.textContent;
    time.textContent = written.format(moment);
  }
}

// The pages are shown in a frame that may neither open windows nor leave itself; the page around it may.
function leave(href, { newTab = false, download = false } = {}) {
  const home = framed ? window.parent.document : document;
  const link = home.createElement("a");
  link.href = href;
  if (newTab) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  if (download) link.download = "";
  home.body.append(link);
  link.click();
  link.remove();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow], a[data-insightly], a[data-download]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!framed && !("insightly" in link.dataset)) return;
  event.preventDefault();
  leave(link.href, { newTab: "insightly" in link.dataset, download: "download" in link.dataset });
});

// Forms that only choose what is shown send no empty fields, so that addresses stay short.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "get") return;
  for (const field of form.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
  window.setTimeout(() => [...form.elements].forEach((field) => (field.disabled = false)));
});

function say(text, kind = "ok") {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.className = `shown ${kind}`;
  window.clearTimeout(say.timer);
  if (kind === "ok") say.timer = window.setTimeout(() => (toast.className = ""), 6000);
}

// Ask this application or Airflow's own API, as the person who is signed in. The error says what the server said.
async function ask(method, path, body) {
  const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const found = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) {
    const detail = found.detail ?? found;
    throw new Error(typeof detail === "string" ? detail : JSON.stringify(detail));
  }
  return found;
}

// The buttons that test a connection: what the server found is said in place.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-test-connection]");
  if (!button) return;
  button.disabled = true;
  try {
    const { works, message } = await ask("POST", button.dataset.testConnection);
    say(message, works ? "ok" : "bad");
  } catch (error) {
    say(error.message, "bad");
  }
  button.disabled = false;
});

function airflowApi(path) {
  return `${document.body.dataset.airflow}/api/v2${path}`;
}

showTimes();
