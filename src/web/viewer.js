// Turns the pictures of a link by arrow keys and by swiping, leaves them by Escape, and has the next one ready. Without
// this script the links of the page do the same.
"use strict";

(() => {
  // A swipe is longer than that, in pixels of the page, and far more sideways than up or down.
  const SWIPE = 48;

  // Whoever goes back comes to where they opened the first one.
  const turn = (way) => {
    const link = document.querySelector(`.turn a[rel=${way}]`);
    if (link) location.replace(link.href);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const menu = document.querySelector("details[open]");
    if (event.key === "ArrowRight") turn("next");
    else if (event.key === "ArrowLeft") turn("prev");
    else if (event.key === "Escape" && menu) menu.open = false;
    else if (event.key === "Escape") document.querySelector(".back").click();
  });

  let start = null;
  const stage = document.querySelector(".stage");
  stage.addEventListener("touchstart", (event) => {
    // Two fingers zoom; with one a picture that is zoomed is moved.
    const zoomed = window.visualViewport && window.visualViewport.scale > 1.01;
    start = event.touches.length === 1 && !zoomed ? event.touches[0] : null;
  }, { passive: true });
  stage.addEventListener("touchcancel", () => { start = null; });
  stage.addEventListener("touchend", (event) => {
    if (!start) return;
    const x = event.changedTouches[0].clientX - start.clientX;
    const y = event.changedTouches[0].clientY - start.clientY;
    start = null;
    if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? "next" : "prev");
  });

  // Not all browsers fetch what a page names for later.
  const next = document.querySelector("link[rel=prefetch]");
  if (next) addEventListener("load", () => { new Image().src = next.href; });
})();
