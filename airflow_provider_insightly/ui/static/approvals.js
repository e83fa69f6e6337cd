// The page of approvals: a yes or no to a plan, given as the person who is signed in.
"use strict";

const ASKING_TASK = "approve_plan";

async function answerRun(section, answer) {
  const { dag, run, base, hash } = section.dataset;
  const instance = `/dags/${encodeURIComponent(dag)}/dagRuns/${encodeURIComponent(run)}/taskInstances/${ASKING_TASK}/-1`;
  await ask("PATCH", airflowApi(`${instance}/hitlDetails`), { chosen_options: [answer], params_input: {} });
  if (answer !== "Approve") return;
  // Airflow loses an answer that comes while the task that asked is still ending, and runs the task again: it must not
  // ask again. A plan that is applied by now needs no approval any more, and says so.
  await ask("POST", `${base}/approvals`, { plan_hash: hash }).catch(() => {});
}

async function approve(section) {
  const { dag, base, hash } = section.dataset;
  const { run_id: held } = await ask("POST", `${base}/approvals`, { plan_hash: hash });
  const dagPath = `/dags/${encodeURIComponent(dag)}`;
  if (!held) {
    await ask("POST", airflowApi(`${dagPath}/dagRuns`), { logical_date: null, conf: {} });
    return;
  }
  await ask("POST", airflowApi(`${dagPath}/clearTaskInstances`), {
    dry_run: false, dag_run_id: held, task_ids: ["breakers"], include_downstream: true, only_failed: false, reset_dag_runs: true,
  });
}

document.getElementById("main").addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-answer]");
  if (!button) return;
  const section = button.closest("section");
  const buttons = section.querySelectorAll("button[data-answer]");
  buttons.forEach((each) => (each.disabled = true));
  try {
    if (section.dataset.asks === "true") await answerRun(section, button.dataset.answer);
    else await approve(section);
    const done = document.createElement("p");
    done.className = "notice";
    done.textContent = button.dataset.answer === "Reject" ? "Rejected." : "Approved: the run goes on.";
    button.closest(".actions").replaceWith(done);
    say(done.textContent);
  } catch (error) {
    say(error.message, "bad");
    buttons.forEach((each) => (each.disabled = false));
  }
});
