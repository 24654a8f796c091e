package gateway_test

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

// chromiumLimit bounds what one test does in the browser; CI has two cores.
const chromiumLimit = 90 * time.Second

// findChromium returns the browser of the tests: the one that CHROMIUM names, or the one on PATH.
func findChromium(t *testing.T) string {
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

// screen is what a browser's window is like.
type screen struct {
	width, height int64
	dark, mobile  bool
	noScript      bool
}

var (
	desktop = screen{width: 1280, height: 900}
	night   = screen{width: 1280, height: 900, dark: true}
	phone   = screen{width: 375, height: 812, mobile: true}
)

// tab is a real browser with one page. Each has cookies of its own.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in it
}

func newTab(t *testing.T, s screen) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findChromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // root, as CI is, has none
		chromedp.Flag("disable-dev-shm-usage", true),
	)
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocated, chromedp.WithErrorf(t.Logf))
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx}
	b.do() // starts the browser, which ends with the context of its first action
	ctx, cancel := context.WithTimeout(ctx, chromiumLimit)
	t.Cleanup(cancel)
	b.ctx = ctx
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.mobile,
	})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s.noScript})
	return b
}

// command sends the browser what chromedp has no action for.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	answer, err := chromedp.Call(b.ctx, c, params)
	require.NoError(b.t, err)
	return answer
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

func get[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, action)
	require.NoError(b.t, err)
	return answer
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// see waits until the page shows a text. It survives that the page is left for the next one.
func (b *tab) see(text string) {
	b.t.Helper()
	ok := assert.Eventually(b.t, func() bool {
		body, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
		return err == nil && strings.Contains(body, text)
	}, 20*time.Second, 50*time.Millisecond)
	if !ok {
		b.t.Fatalf("the page does not show %q but\n%s\n%s", text, get(b, chromedp.Location()), ask[string](b, `document.body.innerText`))
	}
}

// ask evaluates a script; those of DevTools run where those of the page are forbidden.
func ask[T any](b *tab, script string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](script))
}

// picture keeps what the whole page looks like; go test -artifacts says where.
func (b *tab) picture(name string) {
	b.t.Helper()
	path := filepath.Join(b.t.ArtifactDir(), name+".png")
	require.NoError(b.t, os.WriteFile(path, get(b, chromedp.FullScreenshot(100)), 0o600))
}
