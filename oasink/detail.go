package oasink

import (
	"context"
	"slices"
	"strconv"

	"github.com/punchbridge/punchbridge/attendance"
)

// A detail is what is told of somebody beside the binding. It is read page by page
// while the people are streamed: the roll of the whole company does without.
type detail struct {
	name string
	// value is what HrmResource holds to bind the person by, trimmed.
	value      string
	department int64
}

// details reads those of some people of HrmResource, whatever their status, and the
// values of one field. Ids that do not exist have none.
func (s *Sink) details(ctx context.Context, sh *shape, ids []int64, by field) (map[int64]detail, error) {
	t, columns := sh.resource, []string{"id", "lastname", "departmentid"}
	if by != fieldID {
		columns = append(columns, string(by))
	}
	found := make(map[int64]detail, len(ids))
	for part := range slices.Chunk(ids, valuesPerList) {
		q := s.statement("SELECT ").columns(t, columns...).sql(" FROM ").table(t)
		q.sql(" WHERE ").column(t, "id").sql(" IN ").list(part)
		err := s.patiently(ctx, "reading "+t.name.String(), func() error {
			return q.query(ctx, s.db, len(columns), func(v []any) error {
				d := detail{name: displayName(textOf(v[1])), department: intOf(v[2]), value: strconv.FormatInt(intOf(v[0]), 10)}
				if by != fieldID {
					d.value = trim(textOf(v[3]))
				}
				found[intOf(v[0])] = d
				return nil
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// tell adds to a member what is told beside the binding.
func (r *roll) tell(m *attendance.Member, d detail) {
	m.Name = d.name
	if d.department != 0 {
		if m.Unit = r.units[d.department]; m.Unit == "" {
			m.Unit = strconv.FormatInt(d.department, 10)
		}
	}
	switch {
	case r.valued == byName: // the OA holds nothing to bind the person by
	case r.valued == byKey:
		m.Key = d.value
	case m.LeftOut == attendance.Unbound:
		m.Account = d.value
	case m.LeftOut != attendance.OutOfRoster && m.Account != d.value: // spelt otherwise
		m.Key = d.value
	}
}

// valued says what the OA's value is by which people are bound.
type valued uint8

const (
	// byName: there is none; somebody else says who is which account.
	byName valued = iota
	// byAccount: the account itself.
	byAccount
	// byKey: something by which the account is found in the directory.
	byKey
)

func (b *Binding) valued(unread bool) valued {
	switch {
	case b.account != nil || b.pairs != nil:
		return byName
	case unread || b.Match == MatchAccount:
		return byAccount
	default:
		return byKey
	}
}
