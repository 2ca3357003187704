/* Starts reveal.js, and sees to what is the course's own: the colours, folded answers, and that nothing is cut off. */
"use strict";

const root = document.documentElement;

function dye(isDark) {
  root.classList.toggle("dark", isDark);
}

/* A slide that is too high all the same, with another browser's letters or an opened answer, is made smaller. */
function fit() {
  const slide = Reveal.getCurrentSlide();
  if (!slide) return;
  slide.style.removeProperty("zoom");
  const room = Reveal.getConfig().height;
  for (let zoom = 0.95; slide.scrollHeight > room && zoom > 0.45; zoom -= 0.05) {
    slide.style.zoom = zoom;
    if (slide.scrollHeight * zoom <= room) break;
  }
}

dye(window.matchMedia("(prefers-color-scheme: dark)").matches);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => dye(event.matches));

/* The keys that open a folded answer do not turn the page. */
document.addEventListener(
  "keydown",
  (event) => {
    if (event.target.tagName === "SUMMARY" && (event.key === " " || event.key === "Enter")) event.stopPropagation();
  },
  true,
);
document.addEventListener("toggle", fit, true);

Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0.02,
  maxScale: 4,
  center: false,
  hash: true,
  controlsTutorial: false,
  slideNumber: "c/t",
  transition: "none",
  backgroundTransition: "none",
  pdfSeparateFragments: false,
}).then(fit);
Reveal.on("slidechanged", fit);
Reveal.addKeyBinding({ keyCode: 68, key: "D", description: "Dark or light" }, () => dye(!root.classList.contains("dark")));
