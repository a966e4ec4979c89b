package wecom

import (
	"fmt"
	"time"
)

// App is what kind of application the secret or the tokens belong to. It decides
// where its administrator enters this machine's address (60020).
type App uint8

// The kinds of application.
const (
	// SelfBuilt is an application of the company's own (自建应用), or the built-in
	// 打卡 application where its secret still works.
	SelfBuilt App = iota
	// Delegated is built by a service provider for this company (代开发应用). Its
	// token comes from gettoken like a self-built one's, or from Config.Tokens.
	Delegated
	// ThirdParty is an application of the marketplace (第三方应用). Its tokens come
	// from Config.Tokens.
	ThirdParty
)

const (
	day = 24 * time.Hour
	// padding is how many days either side of the asked stretch are read as well.
	padding = 1

	// The pages of checkin/getcheckindata allow 30 days, for applications of every
	// kind (90262, 94205, 96497); the text of 301024 says less than a month, which may
	// mean 28. One older source has three days for visits, and for everything together,
	// on the page for marketplace applications. So this is inside, Config.Days changes
	// it, and a refused stretch is halved and remembered (refusedSpan).
	defaultDays = 28
	leastDays   = 1 + 2*padding
	mostDays    = 31
)

// daysPerCall is how many whole days, padding included, one call asks for.
func (c Config) daysPerCall() (int, error) {
	switch {
	case c.App > ThirdParty:
		return 0, fmt.Errorf("wecom: App %d is none of SelfBuilt, Delegated, ThirdParty", c.App)
	case c.Days == 0:
		return defaultDays, nil
	case c.Days < leastDays || c.Days > mostDays:
		return 0, fmt.Errorf("wecom: Days is %d; %d to %d are possible, a day of padding at either end included", c.Days, leastDays, mostDays)
	}
	return c.Days, nil
}
