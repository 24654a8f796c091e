// Package chromiumtest shows tests what people see: it opens pages in a real Chromium without a window, presses their buttons and
// keeps pictures of them.
package chromiumtest
