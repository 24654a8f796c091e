package oauth

import (
	"bytes"
	"encoding/json"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answer is the fields of a JSON or form body. A nil answer is a body that is neither.
type answer map[string]any

// parseAnswer believes the body before the Content-Type, because servers mislabel JSON as text/plain and as form.
func parseAnswer(header http.Header, body []byte) answer {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(body, []byte("{")) {
		return parseJSON(body)
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && (media == "application/x-www-form-urlencoded" || media == "text/plain") {
		return parseForm(string(body))
	}
	return nil
}

func parseJSON(body []byte) answer {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // GitHub ids and Slack timestamps do not fit a float
	var a answer
	if decoder.Decode(&a) != nil {
		return nil
	}
	return a
}

func parseForm(body string) answer {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil
	}
	a := make(answer, len(values))
	for name := range values {
		a[name] = values.Get(name)
	}
	return a
}

// text returns a field that is a string or a number, "" for everything else. Dots lead into nested objects.
func (a answer) text(path string) string {
	name, rest, nested := strings.Cut(path, ".")
	if nested {
		return a.object(name).text(rest)
	}
	switch value := a[name].(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// token returns a field that is a string.
func (a answer) token(name string) string {
	value, _ := a[name].(string)
	return value
}

func (a answer) object(name string) answer {
	value, _ := a[name].(map[string]any)
	return value
}

// isFalse reports whether a field is there and says no.
func (a answer) isFalse(name string) bool {
	value, isBool := a[name].(bool)
	return isBool && !value
}

// seconds returns a field that counts seconds, as a number or a string; 0 where it is missing, malformed or not positive.
// An unreadable lifetime is no reason to reject the token that comes with it.
func (a answer) seconds(name string) time.Duration {
	number, err := strconv.ParseFloat(strings.TrimSpace(a.text(name)), 64)
	if err != nil {
		return 0
	}
	return seconds2duration(number)
}

// seconds2duration is capped at 68 years, as in golang.org/x/oauth2: a time.Duration overflows at 292.
func seconds2duration(seconds float64) time.Duration {
	if !(seconds > 0) { // NaN too
		return 0
	}
	return time.Duration(min(seconds, math.MaxInt32) * float64(time.Second))
}

// code returns the first of the fields that holds an error code.
func (a answer) code(fields []string) string {
	for _, field := range fields {
		if value := a.token(field); value != "" {
			return value
		}
	}
	return ""
}

// vschar reports whether s has only the printable ASCII characters that RFC 6749 appendix A allows in a token (VSCHAR).
func vschar(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}
