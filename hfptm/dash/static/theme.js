// Before the first paint, so that nobody who prefers dark is dazzled.
(function () {
  try {
    document.documentElement.dataset.theme = localStorage.getItem("theme") || "";
  } catch {
    // Without storage the system's preference holds.
  }
})();
