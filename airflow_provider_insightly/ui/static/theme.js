// The colours that are chosen in Airflow: its UI keeps them in this browser, and marks its own page with them.
(() => {
  "use strict";
  const framed = window.parent !== window;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    if (framed) {
      const marks = window.parent.document.documentElement.classList;
      if (marks.contains("dark")) return "dark";
      if (marks.contains("light")) return "light";
    }
    const kept = window.localStorage.getItem("theme");
    return kept === "dark" || kept === "light" ? kept : system.matches ? "dark" : "light";
  }

  function show() {
    document.documentElement.dataset.theme = chosen();
    document.documentElement.classList.toggle("framed", framed);
  }

  show();
  system.addEventListener("change", show);
  window.addEventListener("storage", show);
  if (framed) {
    new MutationObserver(show).observe(window.parent.document.documentElement, { attributeFilter: ["class"] });
  }
})();
