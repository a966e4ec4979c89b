package redact

import (
	"regexp"
	"strings"
)

// Kept cleans a text that an older program kept, which quoted drivers and answers of
// platforms: what a driver said of connecting and of parsing the dsn, what an answer
// began with where that held a token, values under the names of secrets. leaked says
// that a password, or a part of one, certainly stood there.
func Kept(text string) (clean string, leaked bool) {
	// A driver that takes the address apart at the password's @ looks its rest up as a
	// host: "lookup S3cret@db".
	host := regexp.MustCompile(`(lookup|dial tcp:?|tcp connection with host '?) ?[^\s'"` + "`" + `]*@`)
	leaked = host.MatchString(text)
	clean = host.ReplaceAllString(text, "${1} "+Blank+"@")
	for _, words := range [...]string{"failed to connect to `", "cannot parse `", "parse \"", "invalid port \"", "invalid userinfo", "invalid URL escape"} {
		if before, said, found := strings.Cut(clean, words); found {
			leaked = leaked || words == "parse \"" && strings.Contains(said, "://") && strings.Contains(said, "invalid")
			clean = before + strings.TrimRight(words, " `\"") + " " + Blank
		}
	}
	if before, quote, found := strings.Cut(clean, "begins: "); found {
		token := strings.Contains(before, "oken") || strings.Contains(before, "oauth2")
		if token || Fields(quote) != quote {
			clean = before + "begins: " + Blank
		}
	}
	userinfo := Userinfo(clean)
	leaked = leaked || userinfo != clean
	return Fields(userinfo), leaked
}
