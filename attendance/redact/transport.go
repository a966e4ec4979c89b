package redact

import "strings"

// Transport is what may be told of what an HTTP client says: addresses without their
// passwords, no value under a secret's name, and no address at all where it could not
// be read, which nobody can take apart then. ours says that the words are this
// package's own altogether.
func Transport(text string) (told string, ours bool) {
	switch {
	case strings.Contains(text, "invalid proxy address"):
		return "the proxy's address in the environment (HTTPS_PROXY, HTTP_PROXY) is no URL: percent-encode the password in it (@ as %40, / as %2F)", true
	case strings.Contains(text, "failed to parse Location header"):
		return "the answer is a redirect to what is no address", true
	}
	return Fields(text), false
}
