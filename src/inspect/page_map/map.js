'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const head = JSON.parse(byId('head').textContent);
  const owners = JSON.parse(byId('owners').textContent);
  const count = head.page_count;
  const NOBODY = 0xffffffff, NO_CELLS = 255;
  const use = new Uint8Array(count), owner = new Uint32Array(count).fill(NOBODY);
  const fill = new Uint8Array(count).fill(NO_CELLS), origin = new Uint32Array(count);

  // ---- The pages, as html.rs writes them.
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const valueOf = new Uint8Array(128);
  for (let i = 0; i < 64; i++) valueOf[DIGITS.charCodeAt(i)] = i;
  const reader = (text) => {
    let at = 0;
    return {
      more: () => at < text.length,
      next: () => {
        let value = 0, shift = 1, digit;
        do { digit = valueOf[text.charCodeAt(at++)]; value += (digit & 31) * shift; shift *= 32; } while (digit & 32);
        return value;
      },
    };
  };
  let page = 0;
  for (const line of byId('pages').textContent.split('\n')) {
    const [uses, fills, origins] = line.split(' ');
    if (fills === undefined) continue;
    let at = page;
    for (const r = reader(uses); r.more();) {
      const n = r.next(), u = r.next(), o = r.next();
      use.fill(u, at, at + n);
      if (o > 0) owner.fill(o - 1, at, at + n);
      at += n;
    }
    at = page;
    for (const r = reader(origins); r.more();) { const n = r.next(), o = r.next(); origin.fill(o, at, at + n); at += n; }
    for (let i = 0; i < fills.length; i++) {
      const c = fills.charCodeAt(i);
      if (c !== 45) fill[page + i] = Math.round(valueOf[c] * 100 / 63);
    }
    page += fills.length;
  }
  byId('pages').textContent = '';

  // ---- Words.
  const number = (n) => n.toLocaleString('en-US');
  const size = (n) => {
    for (const [unit, one] of [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 1024]]) if (n >= one) return (n / one).toFixed(1) + ' ' + unit;
    return number(n) + ' bytes';
  };
  const isFree = (u) => head.uses[u].name.startsWith('freelist');
  const nameOf = (p) => owner[p] === NOBODY ? head.uses[use[p]].name : owners[owner[p]].name;
  const originOf = (p) => origin[p] === 0 ? 'the database file' : origin[p] === 1 ? 'the hot journal' : 'the log, commit ' + number(origin[p] - 1);

  // ---- Groups: the rows of the table. Owners first, then the uses of pages that belong to nobody.
  const groups = owners.map((o, i) => ({ name: o.name, kind: o.index ? 'index of ' + o.table : '', colour: o.colour, pages: 0, used: 0, cells: 0, entries: o.entries, key: i }));
  const ofUse = (word) => head.uses.map((u, i) => ({ name: u.name, kind: '', colour: u.colour, pages: 0, used: 0, cells: 0, entries: null, key: word + i }));
  const groupOfUse = ofUse('nobody '), allOfUse = ofUse('use ');
  let lastCommit = 0;
  for (let p = 0; p < count; p++) {
    for (const g of [owner[p] === NOBODY ? groupOfUse[use[p]] : groups[owner[p]], allOfUse[use[p]]]) {
      g.pages++;
      if (fill[p] !== NO_CELLS) { g.used += fill[p]; g.cells++; }
    }
    if (origin[p] > lastCommit) lastCommit = origin[p];
  }
  const ordered = (list) => list.filter((g) => g.pages > 0).sort((a, b) => b.pages - a.pages || (a.name < b.name ? -1 : 1));
  const rowsByTable = ordered([...groups, ...groupOfUse]), rowsByUse = ordered(allOfUse);
  const free = groupOfUse.reduce((sum, g, i) => sum + (isFree(i) ? g.pages : 0), 0);

  byId('title').textContent = head.title;
  byId('totals').textContent = `${number(count)} pages of ${number(head.page_size)} bytes, ${size(count * head.page_size)}` + (free ? `, ${number(free)} free` : '') + (lastCommit > 1 ? `, log of ${number(lastCommit - 1)} commits laid over` : '');

  // ---- Colours.
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const ownerRgb = owners.map((o) => rgb(o.colour)), useRgb = head.uses.map((u) => rgb(u.colour));
  const scale = (stops, t) => {
    const at = Math.max(0, Math.min(0.9999, t)) * (stops.length - 1), i = Math.floor(at);
    return stops[i].map((c, k) => Math.round(c + (stops[i + 1][k] - c) * (at - i)));
  };
  const FILLS = ['#dc2626', '#f59e0b', '#facc15', '#84cc16', '#15803d'].map(rgb), AGES = ['#4c1d95', '#2563eb', '#06b6d4', '#facc15'].map(rgb);
  const fillRgb = Array.from({ length: 101 }, (_, i) => scale(FILLS, i / 100));
  const PLAIN = { light: [203, 208, 216], dark: [62, 70, 82] };
  let mode = 'table', chosen = null, background = [255, 255, 255], isDark = false;
  const shown = (p) => {
    switch (mode) {
      case 'use': return useRgb[use[p]];
      case 'fill': return fill[p] === NO_CELLS ? PLAIN[isDark ? 'dark' : 'light'] : fillRgb[fill[p]];
      case 'origin': return origin[p] === 0 ? PLAIN[isDark ? 'dark' : 'light'] : origin[p] === 1 ? [236, 72, 153] : scale(AGES, lastCommit > 2 ? (origin[p] - 2) / (lastCommit - 2) : 1);
      default: return owner[p] === NOBODY ? useRgb[use[p]] : ownerRgb[owner[p]];
    }
  };
  const isDimmed = (p) => chosen !== null && !chosen.has(mode === 'use' ? 'use ' + use[p] : owner[p] === NOBODY ? 'nobody ' + use[p] : owner[p]);

  // ---- The map: a picture of one pixel a page, and cells when there is room for them.
  const canvas = byId('map'), ctx = canvas.getContext('2d'), picture = document.createElement('canvas');
  let width = 0, height = 0, columns = 1, lines = 1, step = 1, left = 0, top = 0, fitStep = 1, fitted = true, selected = -1;
  const MOST_STEP = 110, LARGEST_FIT = 72, CELLS_FROM = 7, NUMBERS_FROM = 36;

  // Many pages are laid out tile by tile, so that those that follow each other lie together; few line by line.
  const tile = count > 300000 ? 32 : count > 30000 ? 16 : 1, tilePages = tile * tile;
  let tilesAcross = 1;
  const placeOf = (p) => {
    if (tile === 1) return [p % columns, Math.floor(p / columns)];
    const t = Math.floor(p / tilePages), i = p % tilePages;
    return [(t % tilesAcross) * tile + i % tile, Math.floor(t / tilesAcross) * tile + Math.floor(i / tile)];
  };
  const pageOf = (column, line) => {
    if (column < 0 || column >= columns || line < 0) return -1;
    const p = tile === 1 ? line * columns + column
      : (Math.floor(line / tile) * tilesAcross + Math.floor(column / tile)) * tilePages + (line % tile) * tile + column % tile;
    return p < count ? p : -1;
  };

  const paint = () => {
    const style = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    background = style.slice(0, 3);
    isDark = background[0] < 128;
    picture.width = columns;
    picture.height = lines;
    const pixels = new ImageData(columns, lines), data = pixels.data;
    for (let line = 0, at = 0; line < lines; line++) for (let column = 0; column < columns; column++, at += 4) {
      const p = pageOf(column, line);
      if (p < 0) continue;
      const c = shown(p);
      let strength = mode === 'fill' || fill[p] === NO_CELLS ? 1 : 0.45 + 0.0055 * fill[p];
      if (isDimmed(p)) strength *= 0.14;
      for (let k = 0; k < 3; k++) data[at + k] = background[k] + (c[k] - background[k]) * strength;
      data[at + 3] = 255;
    }
    picture.getContext('2d').putImageData(pixels, 0, 0);
    draw();
  };

  const fit = () => {
    const stage = byId('stage').getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    width = stage.width; height = stage.height;
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    columns = Math.max(1, Math.ceil(Math.sqrt(count * width / Math.max(1, height))), Math.floor(width / LARGEST_FIT));
    columns = Math.min(columns, Math.max(1, count), 16384);
    tilesAcross = Math.max(1, Math.ceil(columns / tile));
    if (tile > 1) columns = tilesAcross * tile;
    lines = tile === 1 ? Math.max(1, Math.ceil(count / columns)) : Math.ceil(Math.ceil(count / tilePages) / tilesAcross) * tile;
    fitStep = Math.min(width / columns, height / lines, LARGEST_FIT);
    step = fitStep; left = 0; top = 0; fitted = true;
    paint();
  };

  const draw = () => {
    ctx.clearRect(0, 0, width, height);
    if (count === 0) return;
    if (step < CELLS_FROM) {
      ctx.imageSmoothingEnabled = step < 1.5;
      ctx.imageSmoothingQuality = 'high';
      ctx.drawImage(picture, -left, -top, columns * step, lines * step);
    } else {
      const gap = step > 14 ? 2 : 1, side = step - gap, round = step > 20 ? 3 : 1;
      const firstLine = Math.max(0, Math.floor(top / step)), lastLine = Math.min(lines - 1, Math.floor((top + height) / step));
      const firstColumn = Math.max(0, Math.floor(left / step)), lastColumn = Math.min(columns - 1, Math.floor((left + width) / step));
      ctx.font = `500 ${Math.min(14, step / 3.4, 1.45 * step / String(count).length)}px system-ui, sans-serif`;
      ctx.textAlign = 'center';
      for (let line = firstLine; line <= lastLine; line++) for (let column = firstColumn; column <= lastColumn; column++) {
        const p = pageOf(column, line);
        if (p >= 0) cell(p, column * step - left, line * step - top, side, round);
      }
    }
    if (selected >= 0) {
      const [column, line] = placeOf(selected), x = column * step - left, y = line * step - top, s = Math.max(step, 6);
      ctx.lineWidth = 2.5;
      ctx.strokeStyle = isDark ? '#ffffff' : '#111827';
      ctx.strokeRect(x - 2, y - 2, s + 2, s + 2);
    }
  };

  const cell = (p, x, y, side, round) => {
    const c = shown(p).join(' ');
    ctx.globalAlpha = isDimmed(p) ? 0.14 : 1;
    const full = fill[p] === NO_CELLS ? 100 : fill[p];
    ctx.fillStyle = `rgb(${c} / ${full === 100 ? 1 : 0.38})`;
    ctx.beginPath(); ctx.roundRect(x, y, side, side, round); ctx.fill();
    if (full < 100 && full > 0) {
      const high = Math.max(1, side * full / 100);
      ctx.fillStyle = `rgb(${c})`;
      ctx.beginPath(); ctx.roundRect(x, y + side - high, side, high, round); ctx.fill();
    }
    if (origin[p] !== 0 && side >= 9 && mode !== 'origin') {
      const corner = Math.min(9, side / 3);
      ctx.fillStyle = isDark ? '#ffffff' : '#111827';
      ctx.beginPath(); ctx.moveTo(x + side - corner, y); ctx.lineTo(x + side, y); ctx.lineTo(x + side, y + corner); ctx.fill();
    }
    if (side >= NUMBERS_FROM) {
      const strength = full > 50 ? 1 : 0.38, [r, g, b] = shown(p).map((part, k) => background[k] + (part - background[k]) * strength);
      ctx.fillStyle = 0.3 * r + 0.59 * g + 0.11 * b > 150 ? 'rgb(17 24 39 / .85)' : 'rgb(255 255 255 / .95)';
      ctx.fillText(String(p + 1), x + side / 2, y + side / 2 + 5);
    }
    ctx.globalAlpha = 1;
  };

  // ---- Moving about.
  const clamp = () => {
    const wide = columns * step, high = lines * step;
    left = Math.max(0, Math.min(left, wide - width));
    top = Math.max(0, Math.min(top, high - height));
  };
  const zoom = (x, y, factor) => {
    const next = Math.max(fitStep, Math.min(Math.max(MOST_STEP, fitStep), step * factor));
    left = (left + x) * next / step - x;
    top = (top + y) * next / step - y;
    step = next;
    fitted = step === fitStep;
    clamp();
    draw();
  };
  const pageAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left + left) / step), line = Math.floor((event.clientY - box.top + top) / step);
    return pageOf(column, line);
  };
  let drag = null;
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(event.clientX - box.left, event.clientY - box.top, Math.exp(-event.deltaY * 0.0016));
  }, { passive: false });
  canvas.addEventListener('pointerdown', (event) => { drag = { x: event.clientX, y: event.clientY, left, top, moved: false }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointermove', (event) => {
    if (drag) {
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      drag.moved = drag.moved || Math.abs(dx) + Math.abs(dy) > 4;
      if (drag.moved) { left = drag.left - dx; top = drag.top - dy; clamp(); draw(); }
    }
    hover(event);
  });
  canvas.addEventListener('pointerup', (event) => { if (drag && !drag.moved) select(pageAt(event)); drag = null; });
  canvas.addEventListener('pointerleave', () => { byId('tip').hidden = true; });
  canvas.addEventListener('dblclick', (event) => { const box = canvas.getBoundingClientRect(); zoom(event.clientX - box.left, event.clientY - box.top, 3); });
  canvas.addEventListener('keydown', (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined) { if (event.key === '+') zoom(width / 2, height / 2, 1.4); if (event.key === '-') zoom(width / 2, height / 2, 1 / 1.4); return; }
    event.preventDefault();
    reveal(Math.max(0, Math.min(count - 1, Math.max(0, selected) + move)));
  });

  // ---- What is pointed at, and what was clicked.
  const hover = (event) => {
    const tip = byId('tip'), p = pageAt(event);
    tip.hidden = p < 0;
    if (p < 0) return;
    const first = document.createElement('b'), second = document.createElement('small'), third = document.createElement('small');
    first.textContent = `page ${number(p + 1)}: ${nameOf(p)}`;
    second.textContent = head.uses[use[p]].name + (fill[p] === NO_CELLS ? '' : `, ${fill[p]} % full`);
    third.textContent = origin[p] === 0 ? '' : 'from ' + originOf(p);
    tip.replaceChildren(first, second, third);
    const box = byId('stage').getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    tip.style.left = Math.max(0, x + 16 + tip.offsetWidth > box.width ? x - tip.offsetWidth - 12 : x + 16) + 'px';
    tip.style.top = Math.max(0, y + 16 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 12 : y + 16) + 'px';
  };
  const select = (p) => {
    selected = p;
    byId('page').hidden = p < 0;
    if (p >= 0) {
      byId('page-title').textContent = 'Page ' + number(p + 1);
      const facts = [['belongs to', owner[p] === NOBODY ? 'nobody' : owners[owner[p]].name + (owners[owner[p]].index ? ` (index of ${owners[owner[p]].table})` : '')],
        ['use', head.uses[use[p]].name], ['full', fill[p] === NO_CELLS ? 'has no cells' : fill[p] + ' %'],
        ['at byte', number(p * head.page_size)], ['comes from', originOf(p)]];
      byId('page-facts').replaceChildren(...facts.flatMap(([name, value]) => {
        const dt = document.createElement('dt'), dd = document.createElement('dd');
        dt.textContent = name; dd.textContent = value;
        return [dt, dd];
      }));
    }
    draw();
  };
  const reveal = (p) => {
    const [column, line] = placeOf(p), x = column * step, y = line * step;
    if (x < left || x + step > left + width) left = x - width / 2;
    if (y < top || y + step > top + height) top = y - height / 2;
    clamp();
    select(p);
  };
  const sibling = (direction) => {
    const same = (p) => owner[p] === owner[selected] && (owner[p] !== NOBODY || use[p] === use[selected]);
    for (let p = selected + direction; p >= 0 && p < count; p += direction) if (same(p)) return reveal(p);
  };
  byId('previous').addEventListener('click', () => sibling(-1));
  byId('next').addEventListener('click', () => sibling(1));

  // ---- The table beside it.
  const MOST_ROWS = 400;
  let pinned = null, found = null;
  const choose = (keys) => { chosen = keys; paint(); };
  const usual = () => pinned !== null ? new Set([pinned]) : found;
  const list = () => {
    const words = byId('search').value.trim().toLowerCase();
    const matches = (mode === 'use' ? rowsByUse : rowsByTable).filter((g) => !words || g.name.toLowerCase().includes(words) || g.kind.toLowerCase().includes(words));
    found = words ? new Set(matches.map((g) => g.key)) : null;
    byId('owners-table').replaceChildren(...matches.slice(0, MOST_ROWS).map((g) => {
      const row = document.createElement('tr'), key = g.key;
      const cells = Array.from({ length: 5 }, () => row.appendChild(document.createElement('td')));
      const box = cells[0].appendChild(document.createElement('div')), swatch = box.appendChild(document.createElement('span'));
      const name = box.appendChild(document.createElement('span')), kind = document.createElement('small');
      box.className = 'owner'; swatch.className = 'swatch'; swatch.style.background = g.colour;
      name.textContent = g.name; kind.textContent = g.kind;
      if (g.kind) name.append(kind);
      cells[1].textContent = number(g.pages);
      const bar = cells[2].appendChild(document.createElement('span')), part = bar.appendChild(document.createElement('i'));
      bar.className = 'bar'; part.style.width = Math.max(2, 100 * g.pages / count) + '%'; part.style.background = g.colour;
      cells[2].title = (100 * g.pages / count).toFixed(1) + ' %';
      cells[3].textContent = g.entries === null ? '' : number(g.entries);
      cells[4].textContent = g.cells ? Math.round(g.used / g.cells) + ' %' : '';
      row.className = key === pinned ? 'on' : '';
      row.addEventListener('mouseenter', () => choose(new Set([key])));
      row.addEventListener('mouseleave', () => choose(usual()));
      row.addEventListener('click', () => { pinned = pinned === key ? null : key; list(); choose(usual()); });
      return row;
    }));
    byId('more').textContent = matches.length > MOST_ROWS ? `and ${number(matches.length - MOST_ROWS)} more: search for them` : matches.length ? '' : 'none of that name';
  };
  byId('search').addEventListener('input', () => { list(); choose(usual()); });

  // ---- How it is shown.
  byId('modes').addEventListener('click', (event) => {
    if (!event.target.dataset.mode) return;
    mode = event.target.dataset.mode;
    for (const button of byId('modes').children) button.className = button === event.target ? 'on' : '';
    const [low, high, colours] = mode === 'fill' ? ['empty', 'full', FILLS] : mode === 'origin' ? ['first commit', 'last', AGES] : ['', '', []];
    byId('scale').hidden = !colours.length || (mode === 'origin' && lastCommit < 2);
    byId('low').textContent = low; byId('high').textContent = high;
    byId('ramp').style.background = colours.length ? `linear-gradient(90deg, ${colours.map((c) => `rgb(${c})`).join()})` : '';
    pinned = null; chosen = null;
    list();
    paint();
  });
  byId('fit').addEventListener('click', fit);
  byId('theme').addEventListener('click', () => { document.documentElement.dataset.theme = isDark ? 'light' : 'dark'; paint(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  addEventListener('resize', () => { if (fitted) fit(); else { const keep = [step, left, top]; fit(); [step, left, top] = keep; fitted = false; clamp(); draw(); } });
  list();
  fit();
})();
