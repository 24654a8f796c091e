package triage

import (
	"strings"
	"testing"
)

func TestInertLine(t *testing.T) {
	tests := []struct{ in, want string }{
		{"The page isn't loading, and I can't log in.", "The page isn't loading, and I can't log in."},
		{"ping @octocat and @acme/team", "ping `@octocat` and `@acme/team`"},
		{"fixes #12, GH-3; acme/app#4 (#5)", "fixes `#12`, `GH-3`; `acme/app#4` (`#5`)"},
		{"see 1f3c9aa and defaced 🚀deadbeef", "see `1f3c9aa` and `defaced` `🚀deadbeef`"},
		{"<b>bold</b> <img src=x>", "`<b>bold</b>` `<img` `src=x>`"},
		{"**bold** _it_ ~~gone~~ [x](https://evil.example) ![i](y)", "`**bold**` `_it_` `~~gone~~` `[x](https://evil.example)` `![i](y)`"},
		{"# heading", "`#` heading"},
		{"1. list", "`1`. list"},
		{"- [ ] task", "– `[` `]` task"},
		{"> quote", "`>` quote"},
		{"---", "–"},
		{"===", "`===`"},
		{"| a | b |", "`|` a `|` b `|`"},
		{":-", "`:-`"},
		{"and/or e.g. drag-and-drop", "and/or e.g. drag-and-drop"},
		{"got 500 after 3 tries, v2.3.1", "got 500 after 3 tries, v2.3.1"},
		{"on 2023-11-14 at 22:13, 2.5% of 1234567", "on 2023-11-14 at 22:13, 2.5% of `1234567`"},
		{"3) x :tada: 5:100:3", "`3`) x `:tada:` `5:100:3`"},
		{"run `git push` now", "run `git push` now"},
		{"`a``b`", "`a` `b`"},
		{"(`x`).", "(`x`)."},
		{"one ` tick", "one `'` tick"},
		{"``` fence", "`'''` fence"},
		{"``a`b``", "`a'b`"},
		{"\\@octocat &#64;octocat", "`\\@octocat` `&#64;octocat`"},
		{"www.evil.example me@evil.example", "`www.evil.example` `me@evil.example`"},
		{"$x$ {{y}} ^1", "`$x$` `{{y}}` `^1`"},
		{"Müller 日本語 שלום 🚀", "Müller 日本語 שלום 🚀"},
		{"a\u202eb\u200bc\x00d", "abcd"},
		{"a 👩\u200d👧 b", "a `👩\u200d👧` b"},
		{"<\u200b!--", "`<`! –"},
		{"", ""},
	}
	for _, tt := range tests {
		got := inert(tt.in)
		if got != tt.want {
			t.Errorf("inert(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPlainTextDecodesSlackOnce(t *testing.T) {
	names := map[string]string{"U1": "Ada Lovelace", "U3": "@`x`\n"}
	tests := []struct{ in, want string }{
		{"a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"},
		{"&amp;lt;b&amp;gt;", "&lt;b&gt;"},
		{"&lt;@U1&gt;", "<@U1>"},
		{"<@U1> <@U2> <@U2|bob> <@U3>", "@Ada Lovelace @U2 @bob @'x'"},
		{"<#C1|general> <#C2> <#C3|>", "#general #C2 #C3"},
		{"<!here> <!channel> <!subteam^S1|@devs> <!subteam^S2>", "@here @channel @devs subteam^S2"},
		{"<!date^1392734382^{date}|Feb 18>", "Feb 18"},
		{"<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2"},
		{"<https://a.example|a.example>", "https://a.example"},
		{"<https://evil.example|https://bank.example>", "https://bank.example (https://evil.example)"},
		{"<mailto:a@b.example|a@b.example>", "a@b.example"},
		{"<script>alert(1)</script>", "<script>alert(1)</script>"},
		{"<!-- x -->", "<! -- x -->"},
		{"&lt;!-- x --&gt;", "<! -- x -->"},
		{"a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		{"bad \xff byte", "bad \uFFFD byte"},
		{"x\U000E0041y\uFE0F", "xy\uFE0F"},
		{"👩\u200d👧 🧑🏽\u200d🚀 ❤\uFE0F\u200d🔥 🏳\uFE0F\u200d🌈", "👩\u200d👧 🧑🏽\u200d🚀 ❤\uFE0F\u200d🔥 🏳\uFE0F\u200d🌈"},
		{"a\u200db 🔥\u200d \u200d🔥 🔥\u200d\u200d🔥 🔥\u200dx x\uFE0F\u200dy", "ab 🔥 🔥 🔥\u200d🔥 🔥x x\uFE0Fy"},
	}
	for _, tt := range tests {
		if got := (Message{Text: tt.in, Names: names}).PlainText(); got != tt.want {
			t.Errorf("plainText(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFenceIsLongerThanAnyRun(t *testing.T) {
	tests := []struct{ in, want string }{
		{"x", "```text\nx\n```"},
		{"a\n```\nb", "````text\na\n```\nb\n````"},
		{"`````", "``````text\n`````\n``````"},
	}
	for _, tt := range tests {
		if got := fence(tt.in); got != tt.want {
			t.Errorf("fence(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := fence(strings.Repeat("`", 40000)); len(got) > 300 || !strings.Contains(got, "…") {
		t.Errorf("a message of backticks: %d bytes", len(got))
	}
}

func TestAddressLinksOnlyWhatIsPlain(t *testing.T) {
	tests := []struct {
		in   string
		link bool
	}{
		{"https://acme.slack.com/archives/C1/p1700000000000100?thread_ts=1.2&cid=C1", true},
		{"http://127.0.0.1:8780/slack/p1", true},
		{"https://example.com", true},
		{"https://user:pass@example.com/", false},
		{"https://example.com@evil.example/", false},
		{"https://exämple.com/", false},
		{"https://example.com/<script>", false},
		{"https://example.com/a b", false},
		{"https://example.com/`x`", false},
		{"javascript:alert(1)", false},
		{"ftp://example.com/", false},
		{"https://-example.com/", false},
		{"https://example.com:port/", false},
		{"https://github.com/octocat", false},
		{"https://gist.github.com/x", false},
		{"https://git.acme.example/acme/app/issues/1", false},
		{"https://git.acme.example/acme/app/pull/1/files", false},
		{"https://git.acme.example/acme/app/commit/1f3c9aa", false},
		{"https://example.com/" + strings.Repeat("a", maxURL), false},
	}
	for _, tt := range tests {
		got := address(tt.in)
		if tt.link && got != "<"+tt.in+">" || !tt.link && got[0] != '`' {
			t.Errorf("address(%q) = %q, want a link: %v", tt.in, got, tt.link)
		}
	}
	if got := address(" \u200b"); got != "" {
		t.Errorf("address of nothing: %q", got)
	}
}

func TestCutKeepsWords(t *testing.T) {
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"the quick brown fox", 12, "the quick…"},
		{strings.Repeat("x", 20), 5, "xxxx…"},
		{"日本語日本語", 4, "日本語…"},
	}
	for _, tt := range tests {
		if got := cut(tt.in, tt.limit); got != tt.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}
