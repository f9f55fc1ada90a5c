// What the frame of a page does: theme, menus, search key. Without this file the page still reads.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const modes = ["auto", "light", "dark"];
  const remember = (mode) => {
    try {
      if (mode === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", mode);
    } catch {
      // a browser that keeps nothing keeps no theme
    }
  };

  function paint() {
    const mode = root.dataset.mode;
    root.dataset.theme = mode === "auto" ? (dark.matches ? "dark" : "light") : mode;
    for (const button of document.querySelectorAll(".theme-switch-button")) {
      const name = `Color theme: ${mode === "auto" ? "as the system" : mode}`;
      button.title = name;
      button.setAttribute("aria-label", name);
    }
  }

  function nextTheme() {
    root.dataset.mode = modes[(modes.indexOf(root.dataset.mode) + 1) % modes.length];
    remember(root.dataset.mode);
    paint();
  }

  // On a narrow screen a menu is a dialog: Escape closes it, and the focus goes back to its button.
  function menu(button, sidebar, dialog) {
    if (!button || !sidebar || !dialog) return;
    const move = (from, to) => {
      to.append(...from.childNodes);
      to.classList.add(...from.classList);
      from.className = "";
    };
    dialog.setAttribute("aria-label", button.getAttribute("aria-label"));
    button.addEventListener("click", () => {
      if (button.matches(".primary-toggle") && innerWidth >= 992) {
        sidebar.classList.toggle("pst-sidebar-hidden");
        return;
      }
      move(sidebar, dialog);
      dialog.showModal();
    });
    dialog.addEventListener("close", () => {
      move(dialog, sidebar);
      button.focus();
    });
    dialog.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (event.target === dialog || link?.hash) dialog.close();
    });
  }

  // Launch buttons, where a repository is known
  function dropdown(button) {
    const list = button.nextElementSibling;
    const set = (open) => {
      button.classList.toggle("show", open);
      list.classList.toggle("show", open);
      button.setAttribute("aria-expanded", open);
    };
    button.addEventListener("click", () => set(!button.classList.contains("show")));
    button.parentElement.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      set(false);
      button.focus();
    });
    button.parentElement.addEventListener("focusout", (event) => {
      if (!button.parentElement.contains(event.relatedTarget)) set(false);
    });
  }

  function search(event) {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const field = document.querySelector(".book-search input");
    if (!field.checkVisibility({ visibilityProperty: true })) document.querySelector(".primary-toggle")?.click();
    field.focus();
  }

  // What scrolls sideways can be scrolled by the keyboard, and only that is a stop of the Tab key.
  const REACHED =
    "article pre, .cell_output .output, .katex-display, .pst-scrollable-table-container";

  function reach() {
    for (const box of document.querySelectorAll(REACHED)) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  const one = (selector) => document.querySelector(selector);
  dark.addEventListener("change", paint);
  addEventListener("keydown", search);
  addEventListener("load", reach);
  addEventListener("resize", reach);
  addEventListener("DOMContentLoaded", () => {
    paint();
    one(".theme-switch-button")?.addEventListener("click", nextTheme);
    menu(one(".primary-toggle"), one("#pst-primary-sidebar"), one("#pst-primary-sidebar-modal"));
    menu(one(".secondary-toggle"), one("#pst-secondary-sidebar"), one("#pst-secondary-sidebar-modal"));
    document.querySelectorAll("[data-bs-toggle=dropdown]").forEach(dropdown);
    const words = new URLSearchParams(location.search).get("q");
    if (words && one("#search-results")) one(".book-search input").value = words;
    const here = one(".bd-docs-nav .current.active > a");
    const side = one("#pst-primary-sidebar");
    if (here && side) side.scrollTop = here.offsetTop - side.clientHeight / 2;
  });
})();
