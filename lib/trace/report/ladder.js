'use strict';
// Draws only what is in view: a row an event, so that no two labels meet, and thousands of them stay quick.
(() => {
  const data = JSON.parse(document.getElementById('trace').textContent);
  const rowHeight = 22, timeWidth = 96, laneWidth = 9;
  const space = 'http://www.w3.org/2000/svg';
  const ladder = document.getElementById('ladder'), heads = document.getElementById('heads');
  const svg = document.getElementById('drawing'), details = document.getElementById('details');
  const search = document.getElementById('search'), count = document.getElementById('count');
  const withKernel = document.getElementById('kernel'), withCalls = document.getElementById('calls');

  const calls = new Map(data.calls.map(each => [each.id, each]));
  const packets = new Map(data.packets.map(each => [each.n, each]));
  let rows = [], chosen = null, linked = new Set(), column = 0, everything = false;

  const keyOf = item => (item.n === undefined ? 'c' + item.id : 'p' + item.n);
  const nameOfCall = call => '#' + call.id + ' ' + data.programs[call.program] + ' ' + call.text;
  const nameOfPacket = packet => packet.n + ' ' + packet.src + ' > ' + packet.dst + ' ' + packet.what;

  function matches(item, words) {
    if (words.length === 0) return true;
    const text = (item.n === undefined ? nameOfCall(item) + ' ' + item.result + ' ' + item.line + ' ' + item.source
                                       : nameOfPacket(item) + ' ' + item.cause + ' ' + item.effect).toLowerCase();
    return words.every(word => text.includes(word));
  }

  function choose_rows() {
    const words = search.value.toLowerCase().split(/\s+/).filter(word => word !== '');
    rows = [];
    for (const [kind, id] of data.order) {
      const item = kind === 'packet' ? packets.get(id) : calls.get(id);
      if (kind === 'packet' ? !withKernel.checked && item.kernel : !withCalls.checked) continue;
      if (!matches(item, words)) continue;
      if (kind !== 'packet') item[kind === 'begins' ? 'first' : 'last'] = rows.length;
      if (kind === 'ends' && item.alone) continue;
      rows.push({kind, item});
    }
    count.textContent = rows.length + ' of ' + data.order.length + ' events';
    layout();
  }

  function layout() {
    const room = Math.max(ladder.clientWidth - timeWidth - 20, 320);
    column = Math.max(room / data.programs.length, 230);
    const width = timeWidth + column * data.programs.length;
    svg.setAttribute('width', width);
    svg.setAttribute('height', Math.max(rows.length * rowHeight + 20, 60));
    heads.style.width = width + 'px';
    heads.replaceChildren(...data.programs.map((name, at) => {
      const head = document.createElement('span');
      head.textContent = name;
      head.style.left = xOf(at) + 'px';
      return head;
    }));
    draw();
  }

  const xOf = program => timeWidth + column * (program + 0.25);
  const laneOf = call => xOf(call.program) + call.lane * laneWidth;

  function make(name, attributes, text) {
    const made = document.createElementNS(space, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function stamp(time) { return (time / 1e6).toFixed(6); }

  function draw() {
    const first = everything ? 0 : Math.max(0, Math.floor(ladder.scrollTop / rowHeight) - 10);
    const end = everything ? rows.length : Math.min(rows.length, first + Math.ceil(ladder.clientHeight / rowHeight) + 20);
    const parts = [];
    data.programs.forEach((_, at) => parts.push(make('line', {class: 'life', x1: xOf(at), x2: xOf(at), y1: first * rowHeight,
                                                              y2: end * rowHeight})));
    if (withCalls.checked)
      for (const call of data.calls) {
        if (call.first === undefined || call.first >= end) continue;
        const last = call.last === undefined ? rows.length : call.last;
        if (last < first && !call.alone) continue;
        const height = call.alone ? rowHeight - 8 : Math.max((last - call.first) * rowHeight, 6) + 6;
        parts.push(make('rect', {class: call.waited ? 'span wait' : 'span', x: laneOf(call) - 4, width: 8,
                                 y: call.first * rowHeight + 5, height, rx: 2}));
      }
    for (let at = first; at < end; ++at) parts.push(draw_row(rows[at], at));
    svg.replaceChildren(...parts);
  }

  function draw_row(row, at) {
    const {kind, item} = row, y = at * rowHeight, key = keyOf(item);
    const group = make('g', {class: 'row ' + kind, 'data-key': key, 'data-row': at});
    if (chosen !== null && keyOf(chosen) === key) group.classList.add('chosen');
    else if (linked.has(key)) group.classList.add('linked');
    group.append(make('rect', {class: 'hit', x: 0, y, width: svg.getAttribute('width'), height: rowHeight}));
    const middle = y + rowHeight / 2;
    group.append(make('text', {class: 'time', x: timeWidth - 12, y: middle + 4}, stamp(kind === 'ends' ? item.t1 : item.t0)));
    if (kind === 'packet') draw_packet(group, item, middle);
    else draw_call(group, kind, item, middle);
    group.append(make('title', {}, kind === 'packet' ? hint_of_packet(item) : nameOfCall(item) + ' ' + item.result));
    return group;
  }

  function draw_call(group, kind, call, middle) {
    const x = laneOf(call) + 10;
    const text = kind === 'begins' ? '#' + call.id + ' ' + call.text + (call.alone ? ' ' + call.result : '')
                                   : '#' + call.id + ' ' + call.name + ' ' + call.result;
    const label = make('text', {x, y: middle + 4}, text);
    if (kind === 'begins' && call.line !== '')
      label.append(make('tspan', {class: 'source'}, '  ' + call.line + (call.source === '' ? '' : '  ' + call.source)));
    if (kind === 'ends' && call.completion !== '') label.append(make('tspan', {class: 'source'}, '  ' + call.completion));
    group.append(label);
  }

  function draw_packet(group, packet, middle) {
    if (packet.kernel) group.classList.add('kernel');
    if (packet.bad) group.classList.add('bad');
    const from = xOf(packet.from), to = xOf(packet.to), way = from === to ? 60 : to - from, sign = Math.sign(way);
    const tip = from === to ? from + 60 : to - sign * 6, y = middle + 5;
    group.append(make('line', {class: 'arrow', x1: from + sign * 6, x2: tip - sign * 6, y1: y, y2: y}));
    group.append(make('path', {class: 'head', d: 'M' + tip + ' ' + y + 'l' + -sign * 8 + ' -4v8z'}));
    group.append(make('text', {class: 'middle', x: from + way / 2, y: middle + 1}, packet.n + '  ' + packet.what));
    if (packet.states[0] !== '')
      group.append(make('text', {class: sign > 0 ? 'state end' : 'state', x: from - sign * 10, y: middle + 4}, packet.states[0]));
    if (packet.states[1] !== '' && from !== to)
      group.append(make('text', {class: sign > 0 ? 'state' : 'state end', x: to + sign * 10, y: middle + 4}, packet.states[1]));
  }

  function hint_of_packet(packet) {
    return nameOfPacket(packet) + '\n' + packet.cause + (packet.effect === '' ? '' : '\n' + packet.effect) +
           (packet.numbers === '' ? '' : '\n' + packet.numbers);
  }

  function choose(item) {
    chosen = item;
    linked = new Set();
    details.replaceChildren();
    if (item === null) return draw();
    const title = document.createElement('h2'), list = document.createElement('dl');
    title.textContent = item.n === undefined ? nameOfCall(item) : 'Packet ' + nameOfPacket(item);
    const add = (term, text) => {
      if (text === '' || text === undefined || text === null) return;
      const dt = document.createElement('dt'), dd = document.createElement('dd');
      dt.textContent = term;
      dd.textContent = text;
      list.append(dt, dd);
    };
    const groups = [];
    if (item.n === undefined) {
      add('result', item.result);
      add('line', item.line);
      add('source', item.source);
      add('entered', stamp(item.t0) + ' s');
      if (item.t1 !== null) add('took', (item.t1 - item.t0).toFixed(1) + ' µs');
      add('completed', item.completion);
      add('thread', item.thread);
      groups.push(['Packets that carry its octets', item.sent, packets], ['Packets whose octets it returned', item.received, packets],
                  ['Completed by', item.by === 0 ? [] : [item.by], packets]);
    } else {
      add('cause', item.cause);
      add('effect', item.effect);
      add('time', stamp(item.t0) + ' s');
      add('numbers', item.numbers);
      add('states', item.states.filter(state => state !== '').join(' · '));
      groups.push(['Calls that sent it', item.calls, calls], ['Calls that it completes', item.completes, calls],
                  ['Calls that returned its octets', item.delivered, calls]);
    }
    details.append(title, list);
    for (const [heading, ids, from] of groups) {
      const items = ids.map(id => from.get(id)).filter(each => each !== undefined);
      if (items.length === 0) continue;
      const head = document.createElement('h2');
      head.textContent = heading;
      details.append(head);
      for (const each of items) {
        linked.add(keyOf(each));
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = each.n === undefined ? nameOfCall(each) + (each.line === '' ? '' : '  ' + each.line) : nameOfPacket(each);
        button.addEventListener('click', () => { choose(each); reveal(); });
        details.append(button);
      }
    }
    draw();
  }

  function rowOfChosen() { return chosen === null ? -1 : rows.findIndex(row => keyOf(row.item) === keyOf(chosen)); }

  function reveal() {
    const at = rowOfChosen();
    if (at < 0) return;
    const top = at * rowHeight, bottom = top + rowHeight * 2 + heads.offsetHeight;
    if (top < ladder.scrollTop) ladder.scrollTop = top;
    if (bottom > ladder.scrollTop + ladder.clientHeight) ladder.scrollTop = bottom - ladder.clientHeight;
    draw();
  }

  function step(by) {
    if (rows.length === 0) return;
    const now = rowOfChosen();
    let at = now < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + by, 0), rows.length - 1);
    while (chosen !== null && keyOf(rows[at].item) === keyOf(chosen) && at + Math.sign(by) >= 0 && at + Math.sign(by) < rows.length)
      at += Math.sign(by);
    choose(rows[at].item);
    reveal();
  }

  svg.addEventListener('click', event => {
    const group = event.target.closest('.row');
    if (group !== null) choose(rows[Number(group.dataset.row)].item);
  });
  document.addEventListener('keydown', event => {
    if (event.target === search) {
      if (event.key === 'Escape') { search.value = ''; choose_rows(); ladder.focus(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(ladder.clientHeight / rowHeight) - 2);
    const moves = {ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length};
    if (event.key === '/') search.focus();
    else if (event.key === 'Escape') choose(null);
    else if (event.key in moves) step(moves[event.key]);
    else return;
    event.preventDefault();
  });
  let waiting = false;
  ladder.addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  });
  for (const each of [search, withKernel, withCalls]) each.addEventListener('input', choose_rows);
  window.addEventListener('resize', layout);
  window.addEventListener('beforeprint', () => { everything = true; draw(); });
  window.addEventListener('afterprint', () => { everything = false; draw(); });
  choose_rows();
})();
