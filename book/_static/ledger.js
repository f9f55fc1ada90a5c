// The ledger's filters: an address such as ledger.html#f-fails opens filtered, and a line says how
// many rows are shown. The filtering itself is done by style rules.
document.addEventListener("DOMContentLoaded", () => {
  const radios = [...document.querySelectorAll(".ledger-filters input")];
  const shown = document.querySelector(".ledger-shown");
  if (!shown) return;
  const rows = [...document.querySelectorAll("tr.ledger-row")];

  function say() {
    const visible = rows.filter((row) => row.getClientRects().length).length;
    shown.textContent = `${visible} of ${rows.length} claims shown`;
  }

  function open() {
    const named = document.getElementById(location.hash.slice(1));
    if (named && radios.includes(named)) {
      named.checked = true;
    } else if (named && named.matches("tr.ledger-row") && !named.getClientRects().length) {
      for (const id of ["f-all", "p-all"]) document.getElementById(id).checked = true;
      named.scrollIntoView();
    }
    say();
  }

  for (const radio of radios) {
    radio.addEventListener("change", () => {
      history.replaceState(null, "", `#${radio.id}`);
      say();
    });
  }
  addEventListener("hashchange", open);
  open();
});
