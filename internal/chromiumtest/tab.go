package chromiumtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limit bounds what one test does in the browser; CI has two cores.
const limit = 90 * time.Second

// find returns the browser of the tests: the one that CHROMIUM names, or the one on PATH.
func find(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("CHROMIUM"); named != "" {
		return named
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no chromium on PATH; .ci/run installs it")
	}
	t.Skip("no chromium on PATH: the pages are not tried in a browser; install it, or name it in CHROMIUM") //nolint:forbidigo // CI has one
	return ""
}

// Screen is what a browser's window is like.
type Screen struct {
	Width, Height int64
	Dark, Mobile  bool
	NoScript      bool // pages may run no JavaScript
}

// Desktop, Night and Phone are what people have.
var (
	Desktop = Screen{Width: 1280, Height: 900}
	Night   = Screen{Width: 1280, Height: 900, Dark: true}
	Phone   = Screen{Width: 375, Height: 812, Mobile: true}
)

// Tab is a real browser with one page. Each has cookies of its own. Whatever fails ends the test.
type Tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in it

	width int64 // of its screen
}

// New opens a browser, which ends with the test. Where there is none the test is skipped, but in CI.
func New(t *testing.T, s Screen) *Tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(find(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // root, as CI is, has none
		chromedp.Flag("disable-dev-shm-usage", true),
	)
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocated, chromedp.WithErrorf(t.Logf))
	t.Cleanup(closeTab)
	b := &Tab{t: t, ctx: ctx, width: s.Width}
	b.Do() // starts the browser, which ends with the context of its first action
	ctx, cancel := context.WithTimeout(ctx, limit)
	t.Cleanup(cancel)
	b.ctx = ctx
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	Command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.Width, Height: s.Height, DeviceScaleFactor: 1, Mobile: s.Mobile,
	})
	Command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	Command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s.NoScript})
	return b
}

// Command sends the browser what chromedp has no action for.
func Command[P, R any](b *Tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	answer, err := chromedp.Call(b.ctx, c, params)
	require.NoError(b.t, err)
	return answer
}

// Do carries out what a person does.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// Get returns what an action does.
func Get[T any](b *Tab, action chromedp.Action[T]) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, action)
	require.NoError(b.t, err)
	return answer
}

// Open enters an address.
func (b *Tab) Open(address string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(address))
}

// See waits until the page shows a text. It survives that the page is left for the next one.
func (b *Tab) See(text string) {
	b.t.Helper()
	ok := assert.Eventually(b.t, func() bool {
		body, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
		return err == nil && strings.Contains(body, text)
	}, 20*time.Second, 50*time.Millisecond)
	if !ok {
		b.t.Fatalf("the page does not show %q but\n%s\n%s", text, b.Location(), Ask[string](b, `document.body.innerText`))
	}
}

// Ask evaluates a script; those of DevTools run where those of the page are forbidden.
func Ask[T any](b *Tab, script string) T {
	b.t.Helper()
	return Get(b, chromedp.Evaluate[T](script))
}

// Picture keeps what the whole page looks like; go test -artifacts says where.
func (b *Tab) Picture(name string) {
	b.t.Helper()
	path := filepath.Join(b.t.ArtifactDir(), name+".png")
	require.NoError(b.t, os.WriteFile(path, Get(b, chromedp.FullScreenshot(100)), 0o600))
}

// Press presses the button whose words begin with these, as a person does.
func (b *Tab) Press(words string) {
	b.t.Helper()
	b.Do(chromedp.Click(`//button[starts-with(normalize-space(.), '` + words + `')]`))
}

// Location returns the address that the browser shows.
func (b *Tab) Location() string {
	b.t.Helper()
	return Get(b, chromedp.Location())
}
