/**
 * The one script of a report: a click on the heading of a table sorts it. The page works without it, and its policy allows this text and no
 * other. It only reads the keys in `data-sort` and moves rows; it makes no HTML of text.
 */
export const SCRIPT = `
"use strict";
const collator = new Intl.Collator("en", { numeric: true });
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows].filter((row) => !row.classList.contains("prose"));
  const below = new Map(rows.map((row) => [row, row.nextElementSibling]));
  const withProse = (row) => (below.get(row)?.classList.contains("prose") ? [row, below.get(row)] : [row]);
  const heads = [...table.tHead.rows[0].cells];
  table.classList.add("sorts");
  const keyOf = (row, index) => row.cells[index].dataset.sort ?? row.cells[index].textContent;
  heads.forEach((head, index) => {
    const isNumber = head.classList.contains("number");
    const compare = (one, other) => (isNumber ? one - other : collator.compare(one, other));
    const cycle = isNumber ? ["descending", "ascending"] : ["ascending", "descending"];
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = cycle[cycle.indexOf(head.getAttribute("aria-sort")) + 1];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (order !== undefined) head.setAttribute("aria-sort", order);
      const sign = order === "descending" ? -1 : 1;
      const sorted = order === undefined ? rows : [...rows].sort((one, other) => {
        const [a, b] = [keyOf(one, index), keyOf(other, index)];
        if (a === "" || b === "") return (a === "") - (b === "");
        return sign * compare(a, b);
      });
      body.append(...sorted.flatMap(withProse));
    });
  });
}
`;
