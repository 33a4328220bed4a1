// Files and folders that are dragged onto a box are put into its form; a form that is sent tells how far it is. Without
// this script the forms work as they are.
"use strict";

(() => {
  const isManifest = (file) => /\.(json|ya?ml)$/i.test(file.name);

  // All files of what was dragged, folders included.
  const read = async (entry) => {
    if (!entry) return [];
    if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
    const reader = entry.createReader();
    const files = [];
    for (;;) {
      const entries = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!entries.length) return files;
      for (const inner of entries) files.push(...await read(inner));
    }
  };

  // Why an upload was refused. A web server in front has pages of its own, and limits of its own.
  const reason = (status, text) => {
    const ours = new DOMParser().parseFromString(text, "text/html").querySelector("main p");
    if (ours) return ours.textContent;
    if (status === 413) return "The web server in front took only a part of it: the upload is larger than it lets through (413). With nginx, client_max_body_size 0 lets all of it through.";
    if (status >= 502) return `The web server in front did not reach hotfolders (${status}). Nothing was kept.`;
    return `That did not work (${status}).`;
  };

  const put = (input, files) => {
    if (!input || !files.length) return;
    const transfer = new DataTransfer();
    for (const file of input.multiple ? files : files.slice(0, 1)) transfer.items.add(file);
    input.files = transfer.files;
  };

  for (const zone of document.querySelectorAll(".zone")) {
    const form = zone.querySelector("form");
    if (!form) continue;
    const state = form.querySelector(".upload-state");
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", async (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
      const folder = entries.find((entry) => entry?.isDirectory);
      const files = (await Promise.all(entries.map(read))).flat();
      put(form.elements.manifest, files.filter(isManifest));
      put(form.elements.pictures, files.filter((file) => !isManifest(file)));
      if (folder && form.elements.record && !form.elements.record.value) form.elements.record.value = folder.name;
      state.textContent = files.length === 1 ? "1 file chosen" : `${files.length} files chosen`;
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "text/html");
      // The page that comes after is opened once, by the browser itself.
      request.setRequestHeader("X-Tell-Where", "1");
      request.upload.onprogress = ({ loaded, total }) => { state.textContent = `${Math.floor(100 * loaded / total)} % sent`; };
      request.onload = () => {
        if (request.status < 400) { location.href = request.responseText; return; }
        state.textContent = reason(request.status, request.responseText);
        form.querySelector("button").disabled = false;
      };
      request.onerror = () => { state.textContent = "The connection broke off; nothing was kept."; form.querySelector("button").disabled = false; };
      form.querySelector("button").disabled = true;
      request.send(new FormData(form));
    });
    // A page that comes back from the history has its buttons again.
    addEventListener("pageshow", () => { form.querySelector("button").disabled = false; });
  }
})();
