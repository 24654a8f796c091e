package chromiumtest

import (
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
)

// TabTo moves the focus with the Tab key alone until an element whose text begins with this has it.
func (b *Tab) TabTo(text string) {
	b.t.Helper()
	const most = 40 // elements that take the focus on any page of the tests
	for range most {
		b.Do(chromedp.KeyEvent(kb.Tab))
		if strings.HasPrefix(Ask[string](b, `document.activeElement.innerText`), text) {
			assert.NotEqual(b.t, "none", Ask[string](b, `getComputedStyle(document.activeElement).outlineStyle`), "nobody sees where the focus is")
			return
		}
	}
	b.t.Fatalf("the Tab key does not lead to %q", text)
}
