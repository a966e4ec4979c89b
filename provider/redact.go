package provider

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

const (
	// blank stands where a secret was.
	blank = "***"
	// shortest is the length from which a value of a query or a header is taken
	// for a possible secret: blanking every "1" would make errors unreadable.
	// Secrets that are named as such are blanked at any length.
	shortest = 6
)

// A redactor blanks the secrets of one call.
type redactor struct {
	secrets []string // every spelling, longest first
}

func newRedactor(u *url.URL, query url.Values, header http.Header, named ...[]string) redactor {
	var d redactor
	if len(u.RawQuery) >= shortest {
		d.add(u.RawQuery)
	}
	for _, values := range query {
		for _, v := range values {
			if len(v) >= shortest {
				d.add(v)
			}
		}
	}
	for key, values := range header {
		switch http.CanonicalHeaderKey(key) {
		case "Accept", "Accept-Language", "Content-Type", "User-Agent":
			continue
		}
		for _, v := range values {
			if len(v) >= shortest {
				d.add(v)
			}
			// "Bearer abc": the token alone may be repeated as well.
			if _, token, ok := strings.Cut(v, " "); ok && len(token) >= shortest {
				d.add(token)
			}
		}
	}
	if password, ok := u.User.Password(); ok {
		d.add(password)
	}
	for _, values := range named {
		for _, v := range values {
			d.add(v)
		}
	}
	d.sort()
	return d
}

// sort: a secret may hold a shorter one, so the longer goes first.
func (d *redactor) sort() {
	slices.SortFunc(d.secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	d.secrets = slices.Compact(d.secrets)
}

// add adds a secret in the spellings in which it may come back.
func (d *redactor) add(secret string) {
	if secret == "" {
		return
	}
	d.secrets = append(d.secrets, secret)
	for _, other := range [...]string{url.QueryEscape(secret), url.PathEscape(secret), quoted(secret, true), quoted(secret, false)} {
		if other != secret {
			d.secrets = append(d.secrets, other)
		}
	}
}

// quoted is the secret as it stands inside a JSON string.
func quoted(secret string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if enc.Encode(secret) != nil || b.Len() < 3 {
		return secret
	}
	return b.String()[1 : b.Len()-2]
}

// with returns d and what stands in an answer under the names of secrets: a token that
// it holds must not be repeated from anywhere in it.
func (d redactor) with(body []byte) redactor {
	_, values := redact.FieldValues(string(body[:min(len(body), quotable)]))
	if len(values) == 0 {
		return d
	}
	all := redactor{secrets: slices.Clone(d.secrets)}
	for _, v := range values {
		all.add(v)
		all.add(Text([]byte(`"` + v + `"`)))
	}
	all.sort()
	return all
}

// quotable is how much of an answer is looked at for secrets and may be quoted.
const quotable = 256 << 10

// text returns s with the secrets blanked, what stands under the name of one, and the
// name and password of any address in it (proxies have some).
func (d redactor) text(s string) string {
	for _, secret := range d.secrets {
		s = strings.ReplaceAll(s, secret, blank)
	}
	return redact.Fields(s)
}

// err returns err itself when its text is clean, else a plain error with the
// text blanked: a native error that repeats a secret must not be reachable.
func (d redactor) err(err error) error {
	if err == nil {
		return nil
	}
	if was := err.Error(); d.text(was) != was {
		clean := errors.New(d.text(was))
		if errors.Is(err, ErrToken) {
			return errors.Join(ErrToken, clean)
		}
		return clean
	}
	return err
}

// found reports whether a body holds a secret.
func (d redactor) found(body []byte) bool {
	return slices.ContainsFunc(d.secrets, func(secret string) bool { return bytes.Contains(body, []byte(secret)) })
}

// again reads an error answer once more with the secrets blanked, so that the
// native error does not hold them either. Where blanking changes the meaning the
// first reading stands, without its native error.
func (d redactor) again(first *attendance.Error, r Reply, read func(Reply) error) *attendance.Error {
	r.Body = slices.Clone(r.Body)
	for _, secret := range d.secrets {
		r.Body = bytes.ReplaceAll(r.Body, []byte(secret), []byte(blank))
	}
	if second, ok := errors.AsType[*attendance.Error](read(r)); ok && second.Code == first.Code && errors.Is(second, ErrToken) == errors.Is(first, ErrToken) {
		return second
	}
	stripped := *first
	if stripped.Detail == "" && first.Err != nil {
		stripped.Detail = first.Err.Error()
	}
	stripped.Err = nil
	if errors.Is(first, ErrToken) {
		stripped.Err = ErrToken
	}
	return &stripped
}
