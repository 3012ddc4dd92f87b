"use strict";
// Shows and hides what is on the page. Without it everything is there, closed or open as it was written.
{
  const main = document.getElementById("turns");
  const filter = document.getElementById("filter");
  const failures = document.getElementById("failures");
  const told = document.getElementById("told");

  const all = (open) => {
    for (const details of main.querySelectorAll("details")) details.open = open;
  };
  // A group stays where one of its steps does; a step that has steps of its own is found by any of their words.
  const show = () => {
    const words = filter.value.trim().toLowerCase();
    const filtered = words !== "" || failures.checked;
    let found = 0;
    for (const step of main.querySelectorAll(".step")) {
      const fits = (!failures.checked || step.matches(".bad")) && (words === "" || step.textContent.toLowerCase().includes(words));
      step.hidden = !fits;
      if (fits) found += 1;
    }
    for (const group of [...main.querySelectorAll(".request, .turn")].reverse()) {
      group.hidden = filtered && group.querySelector(".step:not([hidden])") === null;
    }
    told.textContent = filtered ? `${found} found` : "";
  };
  // A link to a turn opens it.
  const follow = () => {
    const turn = location.hash.startsWith("#turn-") ? document.getElementById(location.hash.slice(1)) : null;
    const details = turn && turn.querySelector("details");
    if (details) details.open = true;
  };

  let waiting = 0;
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 150);
  });
  failures.addEventListener("change", show);
  document.getElementById("expand").addEventListener("click", () => all(true));
  document.getElementById("collapse").addEventListener("click", () => all(false));
  addEventListener("hashchange", follow);
  follow();
  document.getElementById("tools").hidden = false;
}
