// What makes pages nicer where there is JavaScript. Everything works without.
// It is a module, as the others are: what it names is its own.

// A form is sent once: a second tap finds its buttons at rest.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 4000);
});

// What one types is kept in the browser until it is sent, so that a lost connection loses nothing;
// for oneself alone, as long as one does not sign out.
const KEEP = "toutdoux:";
document.addEventListener("submit", (event) => {
  if (!new URL(event.target.action, location).pathname.endsWith("/logout/")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith(KEEP)) localStorage.removeItem(key);
});
// The page that follows a form that was taken says which one to let go.
const taken = document.querySelector("[data-taken]");
if (taken) {
  for (const key of Object.keys(localStorage)) if (key.startsWith(KEEP) && key.endsWith(":" + taken.dataset.taken)) localStorage.removeItem(key);
  history.replaceState(null, "", location.pathname + location.hash);
}
const WAS = "what was there";
for (const form of document.querySelectorAll("form[data-keep]")) {
  const place = KEEP + (document.body.dataset.me || "") + ":" + location.pathname + ":" + form.dataset.keep;
  const was = {};
  const fields = [...form.elements].filter((one) => one.name && one.type !== "hidden" && one.type !== "file");
  for (const field of fields) if (field.type !== "password" && field.type !== "radio") was[field.name] = field.value;
  try {
    const kept = JSON.parse(localStorage.getItem(place) || "{}");
    for (const field of fields) {
      if (field.type === "radio") field.checked ||= kept[field.name] === field.value;
      // In the place of what was there when one began to type, and of nothing else.
      else if (field.name in kept && field.type !== "checkbox" && field.value === (kept[WAS]?.[field.name] ?? "")) field.value = kept[field.name];
    }
  } catch { localStorage.removeItem(place); }
  form.addEventListener("input", () => {
    const typed = { [WAS]: was };
    for (const field of fields) if (field.type !== "password" && (field.type !== "radio" || field.checked)) typed[field.name] = field.value;
    localStorage.setItem(place, JSON.stringify(typed));
  });
}

// What others do replaces a part of the page: what was unfolded there stays so, and where one is.
let unfolded = [], focused = "";
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "live") return;
  unfolded = [...event.detail.target.querySelectorAll("details")].map((one) => [one.id, one.open]);
  const active = document.activeElement;
  focused = event.detail.target.contains(active) ? active.closest("details")?.id || active.id : "";
});
document.addEventListener("htmx:afterSwap", () => {
  const part = document.getElementById("live");
  if (!part) return;
  for (const [id, open] of unfolded) { const one = document.getElementById(id); if (one) one.open = open; }
  if (focused) (document.querySelector("#" + CSS.escape(focused) + " > summary") || document.getElementById(focused))?.focus();
  unfolded = []; focused = "";
  // Told to those who listen, when the figures have changed.
  const figures = part.querySelector("[data-told]")?.dataset.told || "";
  const told = document.getElementById("told");
  if (told && told.dataset.last !== undefined && told.dataset.last !== figures) told.textContent = figures;
  if (told) told.dataset.last = figures;
});
const part = document.getElementById("live"), told = document.getElementById("told");
if (part && told) told.dataset.last = part.querySelector("[data-told]")?.dataset.told || "";

// A link to something folded unfolds it.
function unfold() {
  const one = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (one && one.tagName === "DETAILS") one.open = true;
}
addEventListener("hashchange", unfold);
unfold();

// A menu closes when one goes elsewhere.
document.addEventListener("click", (event) => {
  for (const one of document.querySelectorAll(".more details[open]")) if (!one.contains(event.target)) one.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const one of document.querySelectorAll(".more details[open]")) { one.open = false; one.querySelector("summary").focus(); }
});

// "Copy" buttons.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = button.dataset.copied;
});
