package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// ShortestPiece is the length in bytes from which a part of a password is blanked, and
// ShortestSecret that from which a whole secret is: blanking every "1" would make
// texts unreadable.
const (
	ShortestPiece  = 6
	ShortestSecret = 4
)

// Secrets are values that a program knows and never tells. The zero value knows none.
// They are safe for concurrent use.
type Secrets struct {
	replacer *strings.Replacer
	all      []string // in every spelling, longest first
}

// NewSecrets returns the secrets that are blanked whole, and the passwords of which
// pieces are blanked too: drivers take an address apart at the characters of a
// password and quote one of the parts.
func NewSecrets(whole, passwords []string) *Secrets {
	s := &Secrets{}
	for _, secret := range whole {
		if len(secret) >= ShortestSecret {
			s.all = append(s.all, spellings(secret)...)
		}
	}
	for _, password := range passwords {
		if len(password) >= ShortestSecret {
			s.all = append(s.all, spellings(password)...)
		}
		for _, piece := range pieces(password) {
			s.all = append(s.all, spellings(piece)...)
		}
	}
	slices.SortFunc(s.all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	s.all = slices.Compact(s.all)
	pairs := make([]string, 0, 2*len(s.all))
	for _, secret := range s.all {
		pairs = append(pairs, secret, Blank)
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s
}

// Text returns text with the secrets blanked.
func (s *Secrets) Text(text string) string {
	if s == nil || s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// mostPieces bounds the work for a password that is a long text with many marks.
const mostPieces = 24

// pieces are the parts of a password between two of the marks in it, each stretch of
// several parts included, that are long enough.
func pieces(password string) []string {
	cuts := []int{0}
	for i, r := range password {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && len(cuts) < mostPieces {
			cuts = append(cuts, i, i+len(string(r)))
		}
	}
	cuts = append(cuts, len(password))
	var found []string
	for i, from := range cuts {
		for _, to := range cuts[i:] {
			if to-from >= ShortestPiece && to-from < len(password) {
				found = append(found, password[from:to])
			}
		}
	}
	return found
}

// spellings are the ways in which a secret may stand in a text.
func spellings(secret string) []string {
	all := []string{secret}
	for _, other := range [...]string{url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:], quoted(secret, true), quoted(secret, false)} {
		if other != secret {
			all = append(all, other)
		}
	}
	return all
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
