package oasink

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// How much Check looks at for another writer of our tag: the bridges that this
// library replaces delete the whole company's day, so that some people tell for all.
const (
	foreignDays     = 7   // whose rows are compared
	foreignKnown    = 30  // days within which a person's account is looked for
	foreignOrigins  = 20  // sources and corps
	foreignAccounts = 200 // of each
	// foreignPage is how many accounts are read to find so many that are in use.
	foreignPage = 1000
)

// A foreignLook is what Check has found out about the rows of one tag.
type foreignLook struct {
	tag      string
	filed    map[int64]key   // our rows of the last days, by id
	begun    map[int64]int64 // the people, and since when the ledger knows their accounts, in milliseconds
	replaced []key           // rows of ours that are gone and stand again in another row of the tag
	unfiled  []key           // other rows of the tag that came after the ledger was begun
}

// checkForeign looks whether another program still writes rows of our tag. Without a
// ledger nobody can tell its rows from ours. With one there are two proofs: a row
// that the ledger has filed is gone, and its punch stands in a row of our tag that
// the ledger does not know; and a row of our tag that the ledger does not know holds
// a punch that was made after the ledger had begun for that person (before it, rows
// may have been there already). It only selects.
func (s *Sink) checkForeign(ctx context.Context, sh *shape) (attendance.Finding, bool, error) {
	kept := s.opts.Ledger != nil && s.lacksLedger(sh) == nil
	if !kept || !sh.sign.usable(signNeeds()...) || !sh.sign.has("signFrom") {
		return attendance.Finding{}, false, nil
	}
	var found *foreignLook
	err := s.patiently(ctx, "comparing the ledger with "+sh.sign.name.String(), func() error {
		found = &foreignLook{}
		var origins []int64
		t := sh.ledger.table(ledgerOrigins)
		q := s.statement("SELECT ").columns(t, "origin").sql(" FROM ").table(t).sql(" ORDER BY ").column(t, "origin")
		err := s.statement(s.dialect.limit(string(q.b), foreignOrigins)).query(ctx, s.db, 1, func(v []any) error {
			origins = append(origins, intOf(v[0]))
			return nil
		})
		for _, origin := range origins {
			if err != nil {
				break
			}
			var looks []*foreignLook
			looks, err = s.lookForeign(ctx, sh, origin)
			found = slices.MaxFunc(append(looks, found), func(a, b *foreignLook) int { return cmp.Compare(a.rows(), b.rows()) })
		}
		return err
	})
	if err != nil || found.rows() == 0 {
		return attendance.Finding{}, false, err
	}
	return found.finding(), true, nil
}

func (l *foreignLook) rows() int { return len(l.replaced) + len(l.unfiled) }

func (l *foreignLook) finding() attendance.Finding {
	example := slices.Concat(l.replaced, l.unfiled)[0]
	return attendance.Finding{Code: "foreign_writer", Level: attendance.LevelWarning,
		Message: attendance.Text{
			EN: fmt.Sprintf("another program still writes rows with the tag %s: in the last %d days, among the %d people that were looked at, %d rows of this program were deleted and their punches stand in new rows that it did not write, and %d more rows are not its own; for example that of person %d at %s %s",
				l.tag, foreignDays, len(l.begun), len(l.replaced), len(l.unfiled), example.person, example.at.date(), example.at.clock()),
			ZH: fmt.Sprintf("仍有其他程序在写入来源为 %s 的行：最近 %d 天、所查 %d 人中，本程序写入的 %d 行已被删除并由他人重新写入，另有 %d 行并非本程序写入；例如人员 %d 在 %s %s 的行",
				l.tag, foreignDays, len(l.begun), len(l.replaced), len(l.unfiled), example.person, example.at.date(), example.at.clock()),
		},
		Mend: attendance.Text{
			EN: "stop the task of the bridge that this program replaces (it deletes the whole company's day by its tag and writes it anew), or let this program write another tag (sign_from); rows that this program wrote without its ledger look the same",
			ZH: "请停用被本程序取代的旧同步任务（它按来源删除全公司当天的行再重新写入），或为本程序改用其他来源（sign_from）；本程序在未启用台账时写入的行也会如此显示",
		}}
}

// lookForeign compares what the ledger filed for some people of one source and corp
// with the rows of the tags that it filed them with.
func (s *Sink) lookForeign(ctx context.Context, sh *shape, origin int64) ([]*foreignLook, error) {
	now := s.opts.Now().UTC()
	since := attendance.DateOf(now).Add(-foreignDays)
	begun, err := s.accountsInUse(ctx, sh, origin, now)
	if err != nil || len(begun) == 0 {
		return nil, err
	}
	t := sh.ledger.table(ledgerRows)
	q := s.statement("SELECT ").columns(t, "account", "person", "row_id", "wrote", "sign_type", "sign_from", "read_at").sql(" FROM ").table(t)
	q.sql(" WHERE ").column(t, "origin").sql(" = ").number(origin).sql(" AND ").column(t, "account").sql(" IN ").texts(slices.Sorted(maps.Keys(begun)))
	q.sql(" AND ").column(t, "punched").sql(" >= ").number(now.AddDate(0, 0, -foreignKnown).Unix()).sql(" AND ").column(t, "target").sql(" = ").number(int64(signTable))
	byTag := make(map[string]*foreignLook)
	err = q.query(ctx, s.db, 7, func(v []any) error {
		k := key{intOf(v[1]), second(intOf(v[3])), signTypeFrom(zeroless(v[4]))}
		l := byTag[exactly(v[5])]
		if l == nil {
			l = &foreignLook{tag: exactly(v[5]), filed: make(map[int64]key), begun: make(map[int64]int64)}
			byTag[l.tag] = l
		}
		first := min(begun[exactly(v[0])], intOf(v[6]))
		if known, ok := l.begun[k.person]; !ok || first < known {
			l.begun[k.person] = first
		}
		if k.at.date() >= since.String() {
			l.filed[intOf(v[2])] = k
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	delete(byTag, "") // filed when there was no such column
	looks := slices.SortedFunc(maps.Values(byTag), func(a, b *foreignLook) int { return cmp.Compare(a.tag, b.tag) })
	for _, l := range looks {
		strangers, err := s.rowsNotFiled(ctx, sh, l, since)
		if err == nil && len(strangers) > 0 {
			err = s.judgeForeign(ctx, sh, l, strangers)
		}
		if err != nil {
			return nil, err
		}
	}
	return looks, nil
}

// accountsInUse are some of the accounts that were read lately, and since when each
// has been read.
func (s *Sink) accountsInUse(ctx context.Context, sh *shape, origin int64, now time.Time) (map[string]int64, error) {
	t := sh.ledger.table(ledgerReads)
	begun := make(map[string]int64)
	lately := now.AddDate(0, 0, -foreignDays).Unix()
	q := s.statement("SELECT ").columns(t, "account", "spans").sql(" FROM ").table(t)
	q.sql(" WHERE ").column(t, "origin").sql(" = ").number(origin).sql(" ORDER BY ").column(t, "account")
	err := s.statement(s.dialect.limit(string(q.b), foreignPage)).query(ctx, s.db, 2, func(v []any) error {
		list := parseStretches(exactly(v[1]))
		if len(begun) < foreignAccounts && slices.ContainsFunc(list, func(s stretch) bool { return s.to > lately }) {
			begun[exactly(v[0])] = slices.MinFunc(list, func(a, b stretch) int { return int(a.at - b.at) }).at
		}
		return nil
	})
	return begun, err
}

// rowsNotFiled are the rows of the tag that the ledger does not know, by id.
func (s *Sink) rowsNotFiled(ctx context.Context, sh *shape, l *foreignLook, since attendance.Date) (map[int64]key, error) {
	t := sh.sign
	strangers := make(map[int64]key)
	for part := range slices.Chunk(slices.Sorted(maps.Keys(l.begun)), valuesPerList) {
		q := s.statement("SELECT ").columns(t, "id", "userId", "signDate", "signTime", "signType", "signFrom", "userType").sql(" FROM ").table(t)
		q.sql(" WHERE ").column(t, "userId").sql(" IN ").list(part).sql(" AND ").column(t, "signDate").sql(" >= ").plain(since.String())
		err := q.query(ctx, s.db, 7, func(v []any) error {
			at, ok := secondIn(v[2], v[3])
			if _, filed := l.filed[intOf(v[0])]; ok && !filed && textOf(v[5]) == l.tag && digitOf(v[6]) != "2" {
				strangers[intOf(v[0])] = key{intOf(v[1]), at, signTypeFrom(digitOf(v[4]))}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	lt := sh.ledger.table(ledgerRows)
	for part := range slices.Chunk(slices.Sorted(maps.Keys(strangers)), valuesPerList) { // another account's, or another corp's
		q := s.statement("SELECT ").columns(lt, "row_id").sql(" FROM ").table(lt).sql(" WHERE ").column(lt, "row_id").sql(" IN ").list(part)
		err := q.sql(" AND ").column(lt, "target").sql(" = ").number(int64(signTable)).query(ctx, s.db, 1, func(v []any) error {
			delete(strangers, intOf(v[0]))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return strangers, nil
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.person, b.person), cmp.Compare(a.at, b.at), cmp.Compare(a.sign, b.sign))
}

// judgeForeign finds out what the rows prove that the ledger does not know.
func (s *Sink) judgeForeign(ctx context.Context, sh *shape, l *foreignLook, strangers map[int64]key) error {
	stands := make(map[key]bool, len(strangers))
	for _, k := range strangers {
		stands[k] = true
	}
	gone := make(map[int64]key) // filed rows whose punch stands in another one, too
	for id, k := range l.filed {
		if stands[k] {
			gone[id] = k
		}
	}
	t := sh.sign
	for part := range slices.Chunk(slices.Sorted(maps.Keys(gone)), valuesPerList) {
		q := s.statement("SELECT ").columns(t, "id").sql(" FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" IN ").list(part)
		err := q.query(ctx, s.db, 1, func(v []any) error { delete(gone, intOf(v[0])); return nil })
		if err != nil {
			return err
		}
	}
	replaced := make(map[key]bool, len(gone))
	for _, k := range gone {
		replaced[k] = true
	}
	l.replaced = slices.SortedFunc(maps.Keys(replaced), compareKeys)
	for _, k := range strangers {
		// A day is more than any zone is ahead of UTC.
		if !replaced[k] && k.at > secondOf(time.UnixMilli(l.begun[k.person]).UTC().AddDate(0, 0, 1)) {
			l.unfiled = append(l.unfiled, k)
		}
	}
	slices.SortFunc(l.unfiled, compareKeys)
	return nil
}
