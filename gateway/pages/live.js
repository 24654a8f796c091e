// Keeps the status page true without a reload. Without this script the page shows what was true when it was opened.
(() => {
  'use strict';

  const stream = new URL('../live', document.currentScript.src);
  const live = document.getElementById('live');
  const news = document.getElementById('news');
  const lost = document.getElementById('lost');
  const shortest = 1000, longest = 60000; // milliseconds between two attempts to connect
  let version = live.dataset.version, source = null, pause = shortest, timer = 0, updates = Promise.resolve();

  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || '') === (b.id || '')
    && (a.nodeName !== 'FORM' || a.getAttribute('action') === b.getAttribute('action')); // a button never becomes another one

  // become makes a node like another and touches only what differs: focus, selection, open details and typed text stay.
  const become = (now, then) => {
    if (now.nodeType !== Node.ELEMENT_NODE) {
      if (now.data !== then.data) now.data = then.data;
      return;
    }
    for (const { name } of [...now.attributes]) {
      if (!then.hasAttribute(name) && !(now.nodeName === 'DETAILS' && name === 'open')) now.removeAttribute(name);
    }
    for (const { name, value } of then.attributes) {
      if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    }
    children(now, then);
  };

  const children = (now, then) => {
    let at = now.firstChild;
    for (const want of [...then.childNodes]) {
      const have = want.id ? [...now.children].find(c => c.id === want.id) : at;
      if (have && same(have, want)) {
        if (have !== at) now.insertBefore(have, at); else at = at.nextSibling;
        become(have, want);
      } else {
        now.insertBefore(document.importNode(want, true), at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  // states returns what is worth being read out: the sentence on top, and the state of each card.
  const states = () => new Map([...live.querySelectorAll('#summary, .card')].map(e => e.id === 'summary'
    ? [e.id, e.textContent]
    : [e.id, e.querySelector('h3').textContent + ': ' + e.querySelector('.badge').lastChild.data.trim()]));

  const show = (text) => {
    const before = states(), focused = document.activeElement, card = focused.closest('.card');
    // Inside an element the parser keeps the blanks at both ends, which are nodes to compare too.
    children(live, new DOMParser().parseFromString(`<div>${text}</div>`, 'text/html').body.firstChild);
    if (!focused.isConnected && card && card.isConnected) {
      card.tabIndex = -1; // the button is gone, so that the person stays at its account
      card.focus({ preventScroll: true });
    } else if (focused.isConnected && document.activeElement !== focused) {
      focused.focus({ preventScroll: true }); // its card moved
    }
    const changed = [...states()].filter(([id, state]) => before.get(id) !== state).map(([, state]) => state);
    if (changed.length > 0) news.textContent = changed.slice(0, 5).join('. ');
  };

  const update = async (to) => {
    try {
      const answer = await fetch(new URL('live/board' + location.search, stream), { cache: 'no-store' });
      if (answer.status === 401) return location.reload(); // the session is over: the page leads to where one signs in
      if (!answer.ok) throw new Error(answer.status);
      show(await answer.text());
      version = to;
    } catch {
      again();
    }
  };

  // Updates wait for each other: a late answer must not replace a newer one.
  const queue = (to) => { updates = updates.then(() => update(to)); };

  const disconnect = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  };

  const again = () => {
    disconnect();
    lost.hidden = false;
    timer = setTimeout(connect, pause * (0.5 + Math.random() / 2));
    pause = Math.min(2 * pause, longest);
  };

  const connect = () => {
    disconnect();
    source = new EventSource(stream);
    source.addEventListener('change', (event) => {
      lost.hidden = true;
      pause = shortest;
      if (event.data !== version) queue(event.data);
    });
    source.addEventListener('tick', () => queue(version));
    source.addEventListener('error', () => {
      again();
      queue(version); // a stream does not say why it is refused
    });
  };

  // A browser has six connections to a host; pages that nobody looks at must not hold them.
  document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));
  if (!document.hidden) connect();
})();
