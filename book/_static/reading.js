/* What answers the reader: flipbooks, guesses, definitions. Without it the page reads on as it is. */
(function () {
  "use strict";

  function each(root, selector, act) {
    Array.prototype.forEach.call(root.querySelectorAll(selector), act);
  }

  /* Flipbooks: a slider or buttons choose which recorded frame is seen. */

  function flipbook(control) {
    var figure = control.closest("figure"),
      frames = JSON.parse(control.dataset.frames),
      first = Number(control.dataset.default),
      slider = control.querySelector("input"),
      buttons = control.querySelectorAll("button"),
      said = control.querySelector("output"),
      chosen = first;

    function load(image) {
      if (image.dataset.src) {
        image.src = image.dataset.src;
        delete image.dataset.src;
      }
    }

    function see(number) {
      each(figure, "img[data-frame]", function (image) {
        var seen = Number(image.dataset.frame) === number;
        if (seen) load(image);
        image.hidden = !seen;
      });
    }

    function choose(number) {
      chosen = number;
      see(number);
      said.textContent = frames[number].says;
      if (slider) slider.setAttribute("aria-valuetext", frames[number].value);
      buttons.forEach(function (button, i) {
        button.setAttribute("aria-pressed", String(i === number));
      });
    }

    if (slider) {
      slider.value = first; // a browser may remember where it was left
      slider.addEventListener("input", function () {
        choose(Number(slider.value));
      });
    }
    buttons.forEach(function (button, i) {
      button.addEventListener("click", function () {
        choose(i);
      });
    });
    addEventListener("beforeprint", function () {
      see(first);
    });
    addEventListener("afterprint", function () {
      see(chosen);
    });
    control.hidden = false;
  }

  /* Guesses: kept on this machine, back beside the result. */

  function kept(name, value) {
    try {
      if (value !== undefined) localStorage.setItem(name, value);
      return localStorage.getItem(name);
    } catch (e) {
      return value === undefined ? null : value; // a browser that stores nothing
    }
  }

  function measured(value, unit) {
    return unit ? value + "\u00a0" + unit : value;
  }

  function compared(guess, found, unit) {
    var off = Number(guess) - Number(found);
    if (isNaN(off)) return guess === found ? ": right" : "; it was " + found;
    var decimals = (found.split(".")[1] || "").length,
      size = Math.abs(off).toFixed(decimals);
    if (Number(size) === 0) return ": exactly right";
    var points = unit === "%" ? (Number(size) === 1 ? "point" : "points") : unit;
    return ", " + measured(size, points) + " too " + (off > 0 ? "high" : "low");
  }

  function tell(name) {
    var value = kept(name);
    if (value !== null) say(name, value);
  }

  function say(name, value) {
    each(document, "[data-guess]", function (place) {
      if (place.dataset.guess !== name) return;
      var unit = place.dataset.unit,
        guess = measured(value, unit),
        found = place.dataset.found;
      if (place.matches("form")) {
        place.querySelector(".predict-kept").textContent =
          "Kept on this machine: " + guess + ". It comes back beside the result.";
      } else {
        place.textContent =
          "You predicted " + guess + (found ? compared(value, found, unit) : "") + ".";
      }
    });
  }

  function guess(form) {
    var name = form.dataset.guess,
      inputs = form.querySelectorAll("input"),
      before = kept(name);
    form.hidden = false;
    if (before !== null)
      inputs.forEach(function (input) {
        if (input.type === "radio") input.checked = input.value === before;
        else input.value = before;
      });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var one = form.querySelector("input:checked") || (inputs.length === 1 && inputs[0]),
        value = one && one.value.trim();
      if (value) say(name, kept(name, value));
    });
    tell(name);
  }

  /* Definitions, and what is behind a number: hover or keyboard focus shows it, Escape hides it,
     the pointer may go to it. */

  function definitions() {
    var card = document.createElement("div"),
      asked = null,
      timer = 0;
    card.className = "definition";
    card.id = "definition-card";
    card.setAttribute("role", "tooltip");
    card.hidden = true;
    document.body.append(card);

    function hide() {
      clearTimeout(timer);
      card.hidden = true;
      asked = null;
    }

    function later(act, delay) {
      clearTimeout(timer);
      timer = setTimeout(act, delay);
    }

    function show(link, entry) {
      clearTimeout(timer);
      asked = link;
      card.innerHTML = entry.innerHTML;
      card.hidden = false;
      var at = link.getClientRects()[0],
        room = document.documentElement.clientWidth - card.offsetWidth - 8,
        below = at.bottom + card.offsetHeight + 12 < innerHeight;
      card.style.left = Math.max(8, Math.min(at.left, room)) + scrollX + "px";
      card.style.top = (below ? at.bottom : at.top - card.offsetHeight) + scrollY + "px";
    }

    function answers(link, name) {
      var entry = document.getElementById(name);
      if (!entry) return;
      link.classList.add("answers");
      link.setAttribute("aria-describedby", entry.id);
      link.addEventListener("pointerenter", function (event) {
        if (event.pointerType === "mouse")
          later(function () {
            show(link, entry);
          }, 120);
      });
      link.addEventListener("pointerleave", function () {
        later(hide, 250);
      });
      link.addEventListener("focus", function () {
        if (link.matches(":focus-visible")) show(link, entry);
      });
      link.addEventListener("blur", hide);
      link.addEventListener("click", function (event) {
        if (event.pointerType !== "touch" || asked === link) return; // a second tap follows the link
        event.preventDefault();
        show(link, entry);
      });
    }

    each(document, 'a.reference[href*="#term-"]', function (link) {
      answers(link, "definition-" + link.hash.slice(6));
    });
    each(document, ".number[aria-describedby]", function (number) {
      answers(number, number.getAttribute("aria-describedby"));
    });
    card.addEventListener("pointerenter", function () {
      clearTimeout(timer);
    });
    card.addEventListener("pointerleave", function () {
      later(hide, 250);
    });
    addEventListener("keydown", function (event) {
      if (event.key === "Escape") hide();
    });
    addEventListener("pointerdown", function (event) {
      if (asked && !card.contains(event.target) && !asked.contains(event.target)) hide();
    });
  }

  function start() {
    addEventListener("beforeprint", function () {
      each(document, "img[loading=lazy]", function (image) {
        image.loading = "eager";
      });
    });
    each(document, ".flipbook-control", flipbook);
    each(document, "form[data-guess]", guess);
    if (document.querySelector(".definitions")) definitions();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
