// The page of the settings: a dry run with other boxes, followed until its plan can be shown.
"use strict";

const boxes = document.getElementById("boxes");
const shown = document.getElementById("preview");
const dagPath = `/dags/${encodeURIComponent(boxes.dataset.dag)}`;
const POLL_MILLISECONDS = 2000;

function wait() {
  return new Promise((resolve) => window.setTimeout(resolve, POLL_MILLISECONDS));
}

async function activate() {
  const dialog = document.getElementById("activate");
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "yes") return false;
  await ask("PATCH", airflowApi(dagPath), { is_paused: false });
  boxes.dataset.paused = "false";
  return true;
}

function progress(text, run) {
  const line = document.createElement("p");
  line.className = "notice";
  line.textContent = `${text} `;
  if (run) {
    const link = document.createElement("a");
    link.href = `${document.body.dataset.airflow}${dagPath}/runs/${encodeURIComponent(run)}`;
    link.dataset.airflow = "";
    link.textContent = "See it in Airflow";
    line.append(link);
  }
  shown.replaceChildren(line);
}

function chosen() {
  const conf = { dry_run: true };
  for (const box of boxes.querySelectorAll("input[type=checkbox]")) conf[box.name] = box.checked;
  return conf;
}

async function follow(run) {
  const path = airflowApi(`${dagPath}/dagRuns/${encodeURIComponent(run)}`);
  for (;;) {
    const { state } = await ask("GET", path);
    if (state === "success") return;
    if (state === "failed") throw new Error("The dry run failed: its log in Airflow says why.");
    progress(state === "queued" ? "The dry run waits for its turn …" : "Reading from Insightly and planning …", run);
    await wait();
  }
}

async function showPlan(run) {
  const changed = [...boxes.querySelectorAll("input[type=checkbox]")].filter((box) => box.checked !== box.defaultChecked);
  const answer = await fetch(`${boxes.dataset.base}/plan?part=1&run=${encodeURIComponent(run)}`);
  if (!answer.ok) throw new Error(await answer.text());
  shown.innerHTML = await answer.text(); // made by this application, with everything from records escaped
  showTimes(shown);
  const kept = changed.filter((box) => box.name !== "backfill");
  if (!kept.length) return;
  const title = document.createElement("h2");
  title.textContent = "To keep these settings, write in the YAML file";
  const yaml = document.createElement("pre");
  yaml.className = "panel";
  yaml.textContent = `settings:\n${kept.map((box) => `  ${box.name}: ${box.checked}`).join("\n")}`;
  shown.append(title, yaml);
}

boxes.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  let run;
  try {
    if (boxes.dataset.paused === "true" && !(await activate())) return;
    button.disabled = true;
    progress("Triggering a dry run …");
    const made = await ask("POST", airflowApi(`${dagPath}/dagRuns`), { logical_date: null, conf: chosen() });
    run = made.dag_run_id;
    await follow(run);
    await showPlan(run);
  } catch (error) {
    progress(error.message, run);
    shown.firstChild.classList.add("bad");
  } finally {
    button.disabled = false;
  }
});
