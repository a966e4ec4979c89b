package attendance

import "time"

// A Punch is one clock event as the platform holds it.
type Punch struct {
	// ID is the platform's own record id, of one record in the whole company; empty where
	// the platform has none.
	ID string
	// Account is the platform's id of the person (userid), spelt as in the Query.
	Account string
	// Time is the instant of the punch. Sinks store whole seconds.
	Time time.Time
	// Kind tells where the punch was made. The zero Kind is not writable.
	Kind Kind
	// Direction tells sign-in from sign-out; Undirected where the platform does not say.
	Direction Direction
	// Inferred says that the Direction is not the platform's word: see [InferDirections].
	// Another punch of the day may change it. A sink that cannot correct its rows leaves one as it was written.
	Inferred bool
	// Place is where it was made, as far as known.
	Place Place
	// Remark is what the person wrote beside the punch.
	Remark string
}

// Kind is the family a punch belongs to. The OA keeps them in different tables.
type Kind uint8

// The kinds. The zero value is none of them, so that a forgotten Kind is
// noticed and never written as something it is not.
const (
	// Regular is a punch at an allowed place or at a machine (打卡).
	Regular Kind = iota + 1
	// Outside is a punch away from the allowed places (外勤打卡). It has a direction.
	Outside
	// Field is a visit record (钉钉签到, 企业微信外出打卡). It has no direction.
	Field
)

// String returns regular, outside, field or unknown.
func (k Kind) String() string {
	switch k {
	case Regular:
		return "regular"
	case Outside:
		return "outside"
	case Field:
		return "field"
	default:
		return "unknown"
	}
}

// Direction tells a sign-in (签到) from a sign-out (签退).
type Direction uint8

// The directions.
const (
	Undirected Direction = iota
	In
	Out
)

// String returns in, out or undirected.
func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	default:
		return "undirected"
	}
}

// Place is where a punch was made. The zero Place is an unknown one.
type Place struct {
	// Address is the text the platform shows; for machines the machine's name.
	Address string
	// Longitude and Latitude are degrees in the platform's own datum (the
	// Chinese platforms use GCJ-02). They mean nothing unless Located.
	Longitude, Latitude float64
	// Located says that the coordinates are known.
	Located bool
}
