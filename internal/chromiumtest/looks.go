package chromiumtest

// LowContrast returns the texts on the page that are too hard to read, each with its contrast.
func (b *Tab) LowContrast() []string {
	b.t.Helper()
	return Ask[[]string](b, lowContrast)
}

// SmallTargets returns what on the page is too small for a thumb.
func (b *Tab) SmallTargets() []string {
	b.t.Helper()
	return Ask[[]string](b, smallTargets)
}

// Overflow returns by how many CSS pixels the page is wider than the screen, so that somebody has to scroll sideways; 0 for none.
func (b *Tab) Overflow() int {
	b.t.Helper()
	return max(0, Ask[int](b, `document.documentElement.scrollWidth`)-int(b.width))
}

// lowContrast finds texts whose contrast is below WCAG's 4.5:1.
const lowContrast = `(() => {
  const parse = c => c.match(/[\d.]+/g).map(Number);
  const light = c => parse(c).slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return 'rgb(' + c.slice(0, 3) + ')';
    }
    return 'rgb(255,255,255)';
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = texts.nextNode();) {
    if (!n.data.trim()) continue;
    const e = n.parentElement, a = light(getComputedStyle(e).color), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(n.data.trim() + ' ' + ratio.toFixed(2));
  }
  return found;
})()`

// smallTargets finds buttons that are lower than 44 CSS pixels.
const smallTargets = `[...document.querySelectorAll('button, .button, input')].filter(e => e.offsetHeight < 44).map(e => e.innerText + ' ' + e.offsetHeight)`
