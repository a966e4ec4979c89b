package fake

import (
	"encoding/json"
	"mime"
)

// Fields are the members of a JSON object, by their exact names: encoding/json
// alone would take a name in any case, and so hide a misspelt one.
type Fields map[string]json.RawMessage

// IsJSON reports whether the call's Content-Type is application/json.
func (c *Call) IsJSON() bool {
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// Fields reads the call's body, which must be a JSON object.
func (c *Call) Fields() (Fields, bool) {
	var f Fields
	err := json.Unmarshal(c.Body, &f)
	return f, err == nil && f != nil
}

// Has reports whether the field is there and not null.
func (f Fields) Has(name string) bool { return len(f[name]) > 0 && string(f[name]) != "null" }

// Integer reads a JSON number without a fraction.
func (f Fields) Integer(name string) (n int64, ok bool) {
	return n, f.Has(name) && json.Unmarshal(f[name], &n) == nil
}

// Text reads a JSON string; anything else is "".
func (f Fields) Text(name string) (text string) {
	if json.Unmarshal(f[name], &text) != nil {
		return ""
	}
	return text
}

// Texts reads an array of strings.
func (f Fields) Texts(name string) (list []string, ok bool) {
	return list, f.Has(name) && json.Unmarshal(f[name], &list) == nil
}

// Flag reads a bool or the string of one; absent is false.
func (f Fields) Flag(name string) (value, ok bool) {
	switch string(f[name]) {
	case "true", `"true"`:
		return true, true
	case "", "null", "false", `"false"`:
		return false, true
	default:
		return false, false
	}
}

// Missing returns the first of the names that is not there.
func (f Fields) Missing(names ...string) string {
	for _, name := range names {
		if !f.Has(name) {
			return name
		}
	}
	return ""
}
