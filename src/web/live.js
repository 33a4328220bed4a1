// Keeps the parts of a page that are marked `data-live` as they are on the server. The server says that something
// changed; the page is then asked for once more and what differs is put in place. Without this script everything still
// works, with a reload.
"use strict";

(() => {
  const parts = () => document.querySelectorAll("[data-live]");
  const offline = document.getElementById("offline");
  let busy = false;
  let again = false;

  // Somebody is writing or choosing something in there.
  const isUsed = (part) => {
    const focus = document.activeElement;
    return part.contains(focus) && /^(INPUT|SELECT|TEXTAREA)$/.test(focus.tagName);
  };

  // Which button or link of a part has the focus, told so that it is found again in another edition of the part.
  const place = (element) =>
    element.tagName + " " + (element.getAttribute("href") || element.value || "") + " " +
    (element.form ? element.form.getAttribute("action") : "") + " " + element.textContent.trim();

  const put = (old, fresh) => {
    if (old.innerHTML === fresh.innerHTML || isUsed(old)) return;
    const focus = old.contains(document.activeElement) ? place(document.activeElement) : null;
    const open = [...old.querySelectorAll("details[id][open]")].map((details) => details.id);
    old.replaceChildren(...fresh.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus) [...old.querySelectorAll("a, button")].find((element) => place(element) === focus)?.focus();
  };

  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      // The note of a button is shown once; it is not asked for again.
      const url = new URL(location.href);
      url.searchParams.delete("note");
      const answer = await fetch(url, { cache: "no-store" });
      // The login has ended.
      if (answer.redirected) { location.reload(); return; }
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of parts()) {
          const now = fresh.getElementById(old.id);
          if (now) put(old, now);
        }
      }
    } catch {
      // The stream of events tells when the server is back.
    }
    busy = false;
    if (again) { again = false; refresh(); }
  };

  if (parts().length) {
    const events = new EventSource("/events");
    events.onmessage = () => { if (!document.hidden) refresh(); };
    events.onopen = () => { offline.hidden = true; };
    events.onerror = () => { offline.hidden = false; };
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  }
})();
