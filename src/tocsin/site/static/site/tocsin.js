// Keys and small comforts of staff pages. Every page works without this file.
(() => {
  "use strict";
  const WAIT_MS = 1200;
  // Single letters may be switched off on the page of help; Escape stays.
  const hasKeys = document.documentElement.dataset.keys !== "off";
  let going = 0;

  const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("table.list > tbody > tr")];
  const rowLink = (row) => row.querySelector("th a, td a");

  // The row that holds the focus, or -1.
  const currentRow = () => rows().findIndex((row) => row.contains(document.activeElement));

  function step(by) {
    const all = rows();
    if (!all.length) return;
    const now = currentRow();
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + by, 0), all.length - 1);
    const link = rowLink(all[next]);
    if (link) link.focus();
  }

  function chooseRow() {
    const row = rows()[currentRow()];
    const box = row && row.querySelector(".check input");
    if (box) box.click();
  }

  function follow(selector) {
    const link = document.querySelector(selector);
    if (link) link.click();
  }

  function go(letter) {
    const place = document.querySelector(`[data-go="${CSS.escape(letter)}"]`);
    if (place) location.assign(place.href);
  }

  const KEYS = {
    "/": () => {
      const box = document.getElementById("search");
      if (box) { box.focus(); box.select(); }
    },
    "?": () => follow(".foot a kbd"),
    j: () => step(1),
    k: () => step(-1),
    x: chooseRow,
    "[": () => follow(".pager [rel=prev]"),
    "]": () => follow(".pager [rel=next]"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || !hasKeys) return;
    if (going && Date.now() - going < WAIT_MS) {
      going = 0;
      event.preventDefault();
      go(event.key.toLowerCase());
    } else if (event.key === "g") {
      going = Date.now();
    } else if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  // A choice that narrows a list is taken at once; without a script its form has a button.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submit=change]");
    if (form) form.requestSubmit();
    if (event.target.matches("[data-choose=all]")) chooseAll(event.target);
    if (event.target.closest("table.list")) countChosen();
  });

  function chooseAll(box) {
    for (const each of document.querySelectorAll("table.list tbody .check input")) each.checked = box.checked;
  }

  // "2 selected of 223": the words come from the page, in the reader's language, with # for the number.
  function countChosen() {
    const number = document.querySelectorAll("table.list tbody .check input:checked").length;
    for (const each of document.querySelectorAll("[data-chosen]")) {
      const words = (number === 1 && each.dataset.chosenOne) || each.dataset.chosen;
      each.textContent = words.replace("#", number);
    }
    for (const each of document.querySelectorAll("[data-needs-choice]")) each.disabled = number === 0;
  }

  // After errors the summary is what is read first.
  const errors = document.getElementById("errors");
  if (errors) errors.focus();

  // Escape closes an open menu and gives the focus back.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.activeElement && document.activeElement.closest(".foot details[open], .menu[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
})();
