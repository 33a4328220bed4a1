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
        offline.hidden = true;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of parts()) {
          const now = fresh.getElementById(old.id);
          if (now) put(old, now);
        }
      }
    } catch {
      offline.hidden = false;
    }
    busy = false;
    if (again) { again = false; refresh(); }
  };

  if (!parts().length) return;

  const show = (news) => {
    if (news === "changed" && !document.hidden) refresh();
    if (news === "online" || news === "offline") offline.hidden = news === "online";
  };

  // A browser has six connections to a server without HTTP/2, for all its tabs together. So one tab that is seen listens,
  // and tells the others; a tab that nobody sees holds nothing.
  const LOCK = "hotfolders-events";
  const RETRY_MS = 10000;
  const others = window.BroadcastChannel ? new BroadcastChannel(LOCK) : null;
  if (others) others.onmessage = (message) => show(message.data);
  const tell = (news) => { show(news); others?.postMessage(news); };

  // Until `signal` is aborted.
  const listen = (signal) => new Promise((resolve) => {
    let events;
    let retry;
    const open = () => {
      events = new EventSource("/events");
      events.onmessage = () => tell("changed");
      events.onopen = () => tell("online");
      events.onerror = () => {
        tell("offline");
        // Refused for good, such as by a login that has ended: the page finds out.
        if (events.readyState === EventSource.CLOSED) { refresh(); retry = setTimeout(open, RETRY_MS); }
      };
    };
    signal.addEventListener("abort", () => { clearTimeout(retry); events.close(); resolve(); });
    open();
  });

  // Where tabs cannot agree on one of them (no TLS, an old browser), each asks now and then instead: that holds nothing.
  const ask = (signal) => {
    const every = setInterval(refresh, RETRY_MS);
    signal.addEventListener("abort", () => clearInterval(every));
  };

  let turn = null;
  const begin = () => {
    if (turn || document.hidden) return;
    turn = new AbortController();
    const { signal } = turn;
    if (!others || !navigator.locks) { ask(signal); return; }
    navigator.locks.request(LOCK, { signal }, () => signal.aborted ? undefined : listen(signal)).catch(() => {});
  };
  const end = () => { turn?.abort(); turn = null; };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { end(); return; }
    refresh();
    begin();
  });
  // A page that is left may be kept for the way back.
  window.addEventListener("pagehide", end);
  window.addEventListener("pageshow", begin);
  begin();
})();
