// SPDX-License-Identifier: MIT
// Keeps the page up to date: the table of the class, a team's events, and the mail. Text of peers enters the document
// as text only (textContent), never as markup.
"use strict";

(() => {
  const viewer = { isTeacher: document.body.dataset.viewer === "teacher", address: document.body.dataset.address, formToken: "" };
  const token = new URLSearchParams(location.search).get("token") || "";
  const at = (path, parameters = {}) => {
    const all = new URLSearchParams(parameters);
    if (token) all.set("token", token);
    const query = all.toString();
    return query ? `${path}?${query}` : path;
  };
  const find = (selector, from = document) => from.querySelector(selector);

  // An element with attributes and children; a child that is a string becomes text.
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "class") element.className = value;
      else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((each) => each !== null));
    return element;
  };
  const isolated = (text) => make("bdi", {}, text);
  const forReaders = (text) => make("span", { class: "for-readers" }, text);
  let idsMade = 0;
  const freshId = () => `id-${++idsMade}`;
  const two = (number) => String(number).padStart(2, "0");
  const clockOf = (stamp) => {
    const when = new Date(stamp);
    return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
  };
  const timeOf = (stamp) => make("time", { datetime: stamp }, clockOf(stamp));
  const spanOf = (milliseconds) => {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };
  const sizeOf = (octets) => (octets < 10000 ? `${octets} B` : octets < 1e7 ? `${Math.round(octets / 1000)} kB` : `${Math.round(octets / 1e6)} MB`);
  const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  // The server's clock, from its last message, so that "stuck for" does not depend on the clock of this machine.
  let serverAhead = 0;
  const serverNow = () => Date.now() + serverAhead;
  const setServerTime = (stamp) => {
    if (stamp) serverAhead = Date.parse(stamp) - Date.now();
  };

  const load = async (path, parameters) => {
    const answer = await fetch(at(path, parameters), { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status === 403 ? "the token is not valid" : `${path}: ${answer.status} ${answer.statusText}`);
    return answer.json();
  };

  // For requests that change something: proves that they come from this page.
  const changing = () => ({ Accept: "application/json", "X-Form-Token": viewer.formToken });

  // Announcements for screen readers: a few at a time, even if much happens.

  const pendingNews = [];
  const announce = (text) => {
    if (pendingNews.push(text) === 1) setTimeout(showNews, 2000);
  };
  const showNews = () => {
    const shown = pendingNews.slice(0, 3);
    if (pendingNews.length > 3) shown.push(`and ${pendingNews.length - 3} more`);
    pendingNews.length = 0;
    find("#news").replaceChildren(...shown.map((each) => make("span", {}, `${each}. `)));
  };

  // The table of the class.

  const signs = { none: "·", tried: "✗", done: "✓" };
  const words = { none: "not yet", tried: "tried", done: "done" };
  const lateAfter = 5 * 60 * 1000;
  const board = find("#board");
  const teams = new Map(); // address: { data, row, cells, name, stuck, done, detail, list }
  let steps = [];
  let tbody = null;
  let sorting = { key: "name", descending: false };

  const fillCell = (td, cell) => {
    const text = JSON.stringify(cell);
    if (td.dataset.shown === text) return false;
    const isNew = td.dataset.shown !== undefined;
    td.dataset.shown = text;
    td.dataset.state = cell.state;
    const children = [make("span", { class: "sign", "aria-hidden": "true" }, signs[cell.state] || "?"), forReaders(`${words[cell.state] || cell.state} `)];
    if (cell.at && cell.state !== "none") children.push(" ", timeOf(cell.at));
    if (cell.note) children.push(make("span", { class: "note", title: cell.note }, isolated(cell.note)));
    td.replaceChildren(...children);
    td.classList.toggle("fresh", isNew);
    return isNew;
  };
  const nameOf = (data) => data.name || data.address;
  const doneOf = (data) => Object.values(data.steps).filter((each) => each.state === "done").length;

  const buildRow = (data) => {
    const id = freshId();
    const name = isolated("");
    const button = make("button", { type: "button", "aria-expanded": "false", "aria-controls": id, onclick: () => toggleDetail(data.address) }, name);
    const team = { data, button, name, cells: new Map(), stuck: make("td", { class: "stuck" }), done: make("td", { class: "sum" }), detailId: id, detail: null, list: null };
    team.address = make("span", { class: "address" });
    team.row = make("tr", { "data-address": data.address }, make("th", { scope: "row" }, button, team.address), team.stuck, team.done);
    for (const step of steps) {
      const td = make("td", { "data-step": step.name });
      team.cells.set(step.name, td);
      team.row.append(td);
    }
    return team;
  };

  const updateTeam = (data) => {
    let team = teams.get(data.address);
    if (!viewer.isTeacher) return updateOwn(data);
    if (!team) {
      team = buildRow(data);
      teams.set(data.address, team);
      find("[data-empty]", board)?.remove();
    } else if (data.events < team.data.events) {
      return; // a response that is older than an event already shown
    }
    team.data = data;
    team.name.textContent = nameOf(data);
    team.address.textContent = data.name ? data.address : "";
    team.done.textContent = `${doneOf(data)} of ${steps.length}`;
    for (const step of steps) {
      const cell = data.steps[step.name];
      if (cell && fillCell(team.cells.get(step.name), cell)) announce(`${nameOf(data)}: ${step.title} ${words[cell.state]}${cell.state === "tried" && cell.note ? `, ${cell.note}` : ""}`);
    }
    updateStuck(team);
  };

  const updateStuck = (team) => {
    const since = team.data.stuck_since ? serverNow() - Date.parse(team.data.stuck_since) : null;
    const text = since === null ? "" : spanOf(since);
    if (team.stuck.textContent !== text) team.stuck.textContent = text;
    team.stuck.classList.toggle("late", since !== null && since > lateAfter);
  };

  const naturally = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const stuckSince = (data) => (data.stuck_since ? Date.parse(data.stuck_since) : Number.MAX_SAFE_INTEGER);
  const compare = {
    name: (one, other) => naturally.compare(nameOf(one.data), nameOf(other.data)),
    stuck: (one, other) => stuckSince(other.data) - stuckSince(one.data), // ascending: the team that has been stuck longest comes last
    done: (one, other) => doneOf(one.data) - doneOf(other.data),
  };

  // Moves only the rows that are in the wrong place; the focus stays where it is.
  const sortRows = () => {
    if (!tbody) return;
    const sign = sorting.descending ? -1 : 1;
    const ordered = [...teams.values()].sort((one, other) => sign * compare[sorting.key](one, other) || naturally.compare(one.data.address, other.data.address));
    const focused = document.activeElement;
    let before = tbody.firstElementChild;
    for (const team of ordered) {
      for (const row of team.detail ? [team.row, team.detail] : [team.row]) {
        if (row === before) before = before.nextElementSibling;
        else tbody.insertBefore(row, before);
      }
    }
    if (focused && focused !== document.activeElement && tbody.contains(focused)) focused.focus({ preventScroll: true });
  };
  let sortIsDue = false;
  const sortSoon = () => {
    if (sortIsDue) return;
    sortIsDue = true;
    requestAnimationFrame(() => {
      sortIsDue = false;
      sortRows();
    });
  };

  const sortBy = (key) => {
    const isSame = sorting.key === key;
    sorting = { key, descending: isSame ? !sorting.descending : key !== "name" };
    for (const th of board.querySelectorAll("th[data-sort]")) {
      if (th.dataset.sort === key) th.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    sortRows();
  };
  const sortable = (key, title) => make("th", { scope: "col", "data-sort": key, "aria-sort": sorting.key === key ? "ascending" : null }, make("button", { type: "button", onclick: () => sortBy(key) }, title));

  const buildTable = () => {
    teams.clear();
    tbody = make("tbody");
    const head = make("tr", {}, sortable("name", "Team"), sortable("stuck", "Stuck for"), sortable("done", "Done"), ...steps.map((step) => make("th", { scope: "col" }, step.title)));
    const table = make("table", { class: "classroom" }, make("caption", { class: "for-readers" }, "The class: one row per team, one column per step. The button in a row's first cell opens the team's last events."), make("thead", {}, head), tbody);
    board.replaceChildren(
      totalsList(),
      make("p", { class: "tools" }, make("a", { href: at("/teams.csv"), download: true }, "Export as CSV"), make("a", { href: at("/teams.json"), download: true }, "Export as JSON")),
      make("p", { "data-empty": true }, "Nobody has sent anything yet."),
      make("div", { class: "scroll", role: "region", "aria-label": "Table of the class", tabindex: "0" }, table),
    );
  };

  const totalNames = [["teams", "teams"], ["requests", "requests"], ["answers", "answers"], ["connections", "connections"], ["mails", "mails"], ["rate", "events a second"]];
  const totalsList = () => make("dl", { class: "totals" }, ...totalNames.map(([key, title]) => make("div", {}, make("dt", {}, title), make("dd", { "data-total": key }, "0"))));
  const showTotals = (totals) => {
    for (const dd of document.querySelectorAll("[data-total]")) {
      const value = totals[dd.dataset.total];
      if (value !== undefined) dd.textContent = dd.dataset.total === "rate" ? Number(value).toFixed(1) : String(value);
    }
    if (totals.mails !== undefined && viewer.isTeacher) showMailCount(totals.mails);
  };

  // A team's events.

  const keptEvents = 50;

  const hexOf = (event) => {
    const octets = event.octets.match(/../g) || [];
    const hex = make("p", { class: "hex", role: "group", "aria-label": "octets in hex" });
    let done = 0;
    const add = (to, kind, title) => {
      if (to <= done) return;
      hex.append(make("span", { class: `field-${kind}`, title }, octets.slice(done, to).join(" ")), " ");
      done = to;
    };
    (event.fields || []).forEach((field, index) => {
      add(Math.min(field.from, octets.length), 0, null);
      add(Math.min(field.to, octets.length), (index % 6) + 1, field.name);
    });
    add(octets.length, 0, null);
    if (event.truncated) hex.append("…");
    return hex;
  };
  const eventItem = (event) => {
    const line = make("p", { class: "event-line" }, timeOf(event.at), make("span", { class: "where" }, [event.service, event.proto].filter(Boolean).join(" ")), make("span", { class: "what" }, isolated(event.text)));
    if (event.note) line.append(make("span", { class: `verdict-${event.verdict}` }, isolated(event.note)));
    else if (event.verdict !== "info") line.append(make("span", { class: `verdict-${event.verdict}` }, event.verdict === "ok" ? "right" : "wrong"));
    const item = make("li", { "data-event": String(event.id) }, line);
    if (event.octets) {
      const fields = make("dl", { class: "fields" });
      (event.fields || []).forEach((field, index) => fields.append(make("dt", { class: `field-${(index % 6) + 1}` }, field.name), make("dd", {}, isolated(field.value))));
      item.append(make("div", { class: "octets" }, fields, hexOf(event)));
    }
    return item;
  };
  const addEvent = (list, event) => {
    if ([...list.children].some((each) => each.dataset.event === String(event.id))) return;
    const before = [...list.children].find((each) => Number(each.dataset.event) < event.id) || null;
    list.insertBefore(eventItem(event), before);
    while (list.children.length > keptEvents) list.lastElementChild.remove();
    if (list.previousElementSibling?.matches("[data-empty-events]")) list.previousElementSibling.hidden = true;
  };
  const loadEvents = async (address, list) => {
    try {
      const answer = await load(`/api/teams/${encodeURIComponent(address)}/events`, { limit: keptEvents });
      for (const event of answer.events) addEvent(list, event);
    } catch (error) {
      list.replaceChildren(make("li", {}, `The events cannot be loaded: ${error.message}`));
    }
  };
  const toggleDetail = (address) => {
    const team = teams.get(address);
    const isOpen = team.detail !== null;
    team.button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) {
      team.detail.remove();
      team.detail = team.list = null;
      return;
    }
    team.list = make("ol", { class: "events", reversed: true });
    const region = make("div", { role: "region", "aria-label": `Events of ${nameOf(team.data)}` }, nameForm(team.data), team.list);
    team.detail = make("tr", { class: "detail", id: team.detailId }, make("td", { colspan: String(3 + steps.length) }, region));
    team.row.after(team.detail);
    loadEvents(address, team.list);
  };

  const nameForm = (data) => {
    const input = make("input", { name: "name", maxlength: "60", autocomplete: "off", value: data ? data.name || "" : "" });
    const status = make("span", { role: "status" });
    const form = make("form", { class: "tools", method: "post", action: at("/api/name") }, make("label", {}, "Name of the team ", input), make("button", { type: "submit" }, "Save"), status);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = new URLSearchParams({ name: input.value });
      if (viewer.isTeacher && data) body.set("address", data.address);
      try {
        const answer = await fetch(at("/api/name"), { method: "POST", body, headers: changing() });
        status.textContent = answer.ok ? "saved" : `not saved: ${answer.status} ${answer.statusText}`;
      } catch (error) {
        status.textContent = `not saved: ${error.message}`;
      }
    });
    return form;
  };

  // A student's page: the student's row as a list of steps.

  const own = { data: null, cells: new Map(), list: null, stuck: null };

  const buildOwn = () => {
    const body = make("tbody");
    own.cells.clear();
    for (const step of steps) {
      const td = make("td", { "data-step": step.name });
      own.cells.set(step.name, td);
      body.append(make("tr", {}, make("th", { scope: "row" }, step.title), td));
      fillCell(td, { state: "none", at: null, note: "" });
    }
    own.list = make("ol", { class: "events", reversed: true });
    own.form = make("div");
    own.stuck = make("p", { class: "stuck" });
    own.title = make("p");
    board.replaceChildren(
      own.title,
      own.form,
      own.stuck,
      make("table", { class: "steps" }, make("caption", { class: "for-readers" }, "The steps of the sheet, and what the server has seen of yours"), make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Step"), make("th", { scope: "col" }, "State"))), body),
      make("h3", {}, "What the server received"),
      make("p", { "data-empty-events": true }, "Nothing yet."),
      own.list,
    );
    showOwnName(null);
  };
  const showOwnName = (data) => {
    own.title.replaceChildren(data && data.name ? make("strong", {}, isolated(data.name)) : "Your address is ", data && data.name ? ` ${data.address}` : viewer.address);
    if (!own.form.contains(document.activeElement)) own.form.replaceChildren(nameForm(data));
  };
  const updateOwn = (data) => {
    if (own.data && data.events < own.data.events) return;
    const isRenamed = !own.data || own.data.name !== data.name;
    own.data = data;
    if (isRenamed) showOwnName(data);
    for (const step of steps) {
      const cell = data.steps[step.name];
      if (cell && fillCell(own.cells.get(step.name), cell)) announce(`${step.title}: ${words[cell.state]}${cell.note ? `, ${cell.note}` : ""}`);
    }
    updateOwnStuck();
  };
  const updateOwnStuck = () => {
    if (!own.stuck) return;
    const since = own.data?.stuck_since;
    const text = since ? `Without success for ${spanOf(serverNow() - Date.parse(since))}.` : "";
    if (own.stuck.textContent !== text) own.stuck.textContent = text;
  };

  setInterval(() => {
    for (const team of teams.values()) updateStuck(team);
    updateOwnStuck();
  }, 1000);

  const loadTeams = async () => {
    const answer = await load("/api/teams");
    setServerTime(answer.now);
    viewer.isTeacher = answer.viewer.teacher;
    viewer.address = answer.viewer.address;
    viewer.formToken = answer.viewer.form_token || "";
    const isFirst = steps.length === 0;
    steps = answer.steps;
    if (viewer.isTeacher) {
      if (isFirst || !tbody) buildTable();
      for (const data of answer.teams) updateTeam(data);
      if (answer.totals) showTotals(answer.totals);
      sortRows();
    } else {
      if (isFirst) buildOwn();
      for (const data of answer.teams) {
        updateOwn(data);
        await loadEvents(data.address, own.list);
      }
    }
  };

  const mails = { list: null, search: null, shown: new Map(), count: 0 };
  const showMailCount = (count) => {
    mails.count = count;
    for (const each of document.querySelectorAll("[data-count=mails]")) each.textContent = count ? `(${count})` : "";
  };
  const senderText = (address) => (address === "" ? "<>" : address);

  const buildMail = () => {
    mails.search = make("input", { type: "search", id: "search", autocomplete: "off", oninput: () => searchSoon() });
    mails.list = make("tbody");
    mails.empty = make("p", {}, "No messages.");
    const tools = make("div", { class: "tools", role: "search" }, make("label", { for: "search" }, "Search"), mails.search);
    if (viewer.isTeacher) tools.append(make("button", { type: "button", onclick: clearMail }, "Clear all mail"));
    const head = make("tr", {}, ...["Subject", "Received", "Envelope from", "Envelope to", "Peer", "Size"].map((title) => make("th", { scope: "col" }, title)));
    find("#mails").replaceChildren(tools, mails.empty, make("div", { class: "scroll", role: "region", "aria-label": "Messages", tabindex: "0" }, make("table", { class: "inbox" }, make("caption", { class: "for-readers" }, "Messages, newest first. The button with the subject opens a message."), make("thead", {}, head), mails.list)));
  };
  const mailRow = (mail) => {
    const id = freshId();
    const button = make("button", { type: "button", "aria-expanded": "false", "aria-controls": id }, isolated(mail.subject || "(no subject)"));
    const row = make(
      "tr",
      { "data-mail": mail.id },
      make("th", { scope: "row" }, button),
      make("td", {}, timeOf(mail.at)),
      make("td", {}, isolated(senderText(mail.envelope_from))),
      make("td", {}, isolated(mail.envelope_to.slice(0, 5).join(", ") + (mail.envelope_to.length > 5 ? ` and ${mail.envelope_to.length - 5} more` : ""))),
      make("td", {}, mail.address),
      make("td", {}, sizeOf(mail.size)),
    );
    button.addEventListener("click", async () => {
      const open = row.nextElementSibling?.classList.contains("detail") ? row.nextElementSibling : null;
      button.setAttribute("aria-expanded", String(!open));
      if (open) return open.remove();
      const cell = make("td", { colspan: "6" }, "Loading…");
      row.after(make("tr", { class: "detail", id }, cell));
      try {
        cell.replaceChildren(messageView(await load(`/api/mail/${encodeURIComponent(mail.id)}`), mail));
      } catch (error) {
        cell.replaceChildren(`The message cannot be loaded: ${error.message}`);
      }
    });
    return row;
  };
  const addMail = (mail, isNewest) => {
    if (mails.shown.has(mail.id)) return;
    const row = mailRow(mail);
    mails.shown.set(mail.id, row);
    if (isNewest) mails.list.prepend(row);
    else mails.list.append(row);
    mails.empty.hidden = true;
  };
  const emptyMail = () => {
    mails.shown.clear();
    mails.list.replaceChildren();
    mails.empty.hidden = false;
  };
  let searches = 0;
  const loadMail = async () => {
    const wanted = mails.search.value.trim();
    const number = ++searches;
    const answer = await load("/api/mail", wanted ? { search: wanted } : {});
    if (number !== searches) return; // a later search has started
    const listed = answer.mails;
    const ids = new Set(listed.map((each) => each.id));
    for (const [id, row] of mails.shown) {
      if (ids.has(id)) continue;
      if (row.nextElementSibling?.classList.contains("detail")) row.nextElementSibling.remove();
      row.remove();
      mails.shown.delete(id);
    }
    for (const mail of listed) addMail(mail, false);
    mails.empty.hidden = listed.length > 0;
    mails.empty.textContent = wanted ? "No message has this text." : "No messages.";
    if (!wanted) showMailCount(listed.length);
  };
  let searchTimer = 0;
  const searchSoon = () => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => loadMail().catch(() => {}), 200);
  };
  const clearMail = async () => {
    if (!confirm("Remove all messages for everybody?")) return;
    const answer = await fetch(at("/api/mail"), { method: "DELETE", headers: changing() });
    if (answer.ok) {
      emptyMail();
      showMailCount(0);
    }
  };

  const pairs = (...entries) => make("dl", { class: "pairs" }, ...entries.flatMap(([title, value, kind]) => [make("dt", {}, title), make("dd", { class: kind || null }, isolated(value))]));
  const messageView = (message, mail) => {
    const header = message.headers || [];
    const valueOf = (name) => header.filter((each) => each.name.toLowerCase() === name).map((each) => each.value).join(", ");
    const from = mail.envelope_from;
    const to = mail.envelope_to;
    const isSame = from !== "" && valueOf("from").toLowerCase().includes(from.toLowerCase());
    const parts = message.parts || [];
    const base = `/mail/${encodeURIComponent(mail.id)}`;
    const view = make(
      "div",
      { role: "region", "aria-label": `Message ${mail.subject}`, class: "message" },
      make(
        "div",
        { class: "message-body" },
        make("section", {}, make("h3", {}, "Envelope"), pairs(["MAIL FROM", senderText(from)], ["RCPT TO", to.join(", ")], ["EHLO", mail.helo], ["TLS", mail.tls || "none"], ["Login", mail.user || "none"], ["Peer", mail.port ? `${mail.address} port ${mail.port}` : mail.address])),
        make("section", {}, make("h3", {}, "Header"), pairs(["From", valueOf("from"), isSame ? null : "differs"], ["To", valueOf("to")], ...(valueOf("cc") ? [["Cc", valueOf("cc")]] : []), ["Subject", valueOf("subject")], ["Date", valueOf("date")]), isSame ? null : make("p", { class: "differs" }, "The header's From is not the sender of the envelope.")),
      ),
      make("p", { class: "tools" }, make("a", { href: at(`${base}/source`, { view: "1" }) }, "Source"), make("a", { href: at(`${base}/source`), download: `${mail.id}.eml` }, "Download")),
    );
    for (const part of parts) {
      const title = `Part ${part.number}: ${part.type}${part.name ? `, ${part.name}` : ""}, ${sizeOf(part.size)}`;
      view.append(make("h3", {}, isolated(title)));
      if (part.text !== undefined && part.type !== "text/html") view.append(make("pre", { tabindex: "0" }, isolated(part.text)));
      if (part.type === "text/html") view.append(make("iframe", { sandbox: "", src: at(`${base}/html/${encodeURIComponent(part.number)}`), title: `HTML of part ${part.number}`, referrerpolicy: "no-referrer", loading: "lazy" }));
      view.append(make("p", {}, make("a", { href: at(`${base}/part/${encodeURIComponent(part.number)}`), download: true }, `Download part ${part.number}`)));
    }
    const details = (title, content) => make("details", {}, make("summary", {}, title), content);
    view.append(details("All header fields", pairs(...header.map((each) => [each.name, each.value]))));
    const said = message.dialogue || [];
    view.append(details("Dialogue", make("ol", { class: "said" }, ...said.map((line) => make("li", { class: line.by === "S" ? "by-server" : "by-client" }, isolated(`${line.by}: ${line.text}`))))));
    return view;
  };

  // Live: server-sent events.

  const link = find("#link");
  const showLink = (state, text) => {
    link.dataset.state = state;
    if (link.textContent !== text) link.textContent = text;
  };
  const silentAfter = 40000; // the server sends `alive` every 15 s
  let source = null;
  let lastId = "";
  let lastReceivedAt = 0;
  let retryAfter = 1000;

  const onEvent = (name, act) => {
    source.addEventListener(name, (message) => {
      lastReceivedAt = Date.now();
      if (message.lastEventId) lastId = message.lastEventId;
      act(message.data ? JSON.parse(message.data) : null);
    });
  };
  const loadAll = () => Promise.all([loadTeams(), loadMail()]).catch((error) => showLink("lost", `cannot load: ${error.message}`));
  const connect = (isFresh) => {
    source?.close();
    lastReceivedAt = Date.now();
    source = new EventSource(at("/events", lastId && !isFresh ? { last_event_id: lastId } : {}));
    const opened = source;
    let isFirst = isFresh || !lastId;
    source.addEventListener("open", () => {
      lastReceivedAt = Date.now();
      retryAfter = 1000;
      showLink("live", "live");
      // Later changes arrive as events; an event that is newer than this response takes precedence.
      if (isFirst) loadAll();
      isFirst = false;
    });
    source.addEventListener("error", () => {
      showLink("lost", "connection lost, trying again");
      if (opened.readyState !== EventSource.CLOSED || opened !== source) return; // the browser reconnects by itself
      setTimeout(() => opened === source && connect(false), retryAfter);
      retryAfter = Math.min(retryAfter * 2, 15000);
    });
    onEvent("team", (data) => {
      if (!steps.length) return;
      updateTeam(data);
      if (viewer.isTeacher) sortSoon();
    });
    onEvent("detail", (message) => {
      const list = viewer.isTeacher ? teams.get(message.address)?.list : own.list;
      if (list) addEvent(list, message.event);
    });
    onEvent("totals", showTotals);
    onEvent("mail", (mail) => {
      if (!mails.list) return;
      if (!viewer.isTeacher) showMailCount(mails.count + (mails.shown.has(mail.id) ? 0 : 1));
      if (mails.search.value.trim()) searchSoon();
      else addMail(mail, true);
    });
    onEvent("mails", () => {
      emptyMail();
      showMailCount(0);
    });
    onEvent("alive", (message) => setServerTime(message?.now));
    onEvent("reset", () => loadAll());
  };

  setInterval(() => {
    if (source && Date.now() - lastReceivedAt > silentAfter) {
      showLink("lost", "connection lost, trying again");
      connect(false);
    }
  }, 5000);

  // Views and type size.

  const showView = () => {
    const wanted = location.hash === "#mail" ? "mail" : "class";
    for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== wanted;
    for (const each of document.querySelectorAll("nav a[data-view]")) {
      if (each.dataset.view === wanted) each.setAttribute("aria-current", "page");
      else each.removeAttribute("aria-current");
    }
  };
  addEventListener("hashchange", () => {
    showView();
    find(location.hash === "#mail" ? "#mail" : "#class").focus();
  });

  const large = find("#large");
  const setLarge = (isLarge) => {
    document.documentElement.classList.toggle("large", isLarge);
    large.setAttribute("aria-pressed", String(isLarge));
    try {
      localStorage.setItem("large", isLarge ? "1" : "");
    } catch {
      // Without storage the choice is not kept.
    }
  };
  large.addEventListener("click", () => setLarge(large.getAttribute("aria-pressed") !== "true"));
  large.hidden = !viewer.isTeacher;
  try {
    if (localStorage.getItem("large")) setLarge(true);
  } catch {
    // See above.
  }

  showView();
  buildMail();
  connect(true);
})();
