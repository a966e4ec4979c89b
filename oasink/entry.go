package oasink

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// tableID says in which of the two punch tables a row is.
type tableID int64

const (
	signTable   tableID = 1
	mobileTable tableID = 2
)

// An entry of the ledger says that a row of the OA is a punch, and what was
// written there.
type entry struct {
	origin int64
	table  tableID
	record string // the platform's record, or a punch's natural key
	row    int64  // the row's id
	key           // as written
	// account is whose record it is, punched its instant in Unix seconds.
	account string
	punched int64
	tag     string
	// place is a hash of what the platform says of the place, stored one of what was
	// written of it.
	place, stored int64
	// readAt is when the answer was read that the row is written by, absentAt when
	// the punch was first lacking in an empty answer, and absentRun in which run
	// (milliseconds; 0: it was not).
	readAt, absentAt int64
	absentRun        string
	moves            int64  // how often the row was changed
	run              string // the run that added the row

	// What was found of the row in this transaction, and what becomes of it.
	standing standing
	now      key   // of an altered row
	used     *want // the punch that the row holds
}

// standing is what has become of a row since it was written.
type standing uint8

const (
	unseen  standing = iota
	intact           // it holds what was written
	altered          // somebody has changed it
	gone             // somebody has deleted it
)

type recordID struct {
	table  tableID
	record string
}

type rowID struct {
	table tableID
	row   int64
}

func (e *entry) id() recordID { return recordID{e.table, e.record} }
func (e *entry) where() rowID { return rowID{e.table, e.row} }

// entryColumns are what entryOf reads, entryValues what is written.
func entryColumns() []string {
	return []string{"origin", "target", "record_id", "row_id", "account", "person", "punched", "wrote", "sign_type", "sign_from",
		"place", "stored", "read_at", "absent_at", "absent_run", "moves", "run_id"}
}

func entryOf(v []any) *entry {
	e := &entry{
		origin: intOf(v[0]), table: tableID(intOf(v[1])), record: exactly(v[2]), row: intOf(v[3]), account: exactly(v[4]),
		punched: intOf(v[6]), tag: exactly(v[9]), place: intOf(v[10]), stored: intOf(v[11]),
		readAt: intOf(v[12]), absentAt: intOf(v[13]), absentRun: exactly(v[14]), moves: intOf(v[15]), run: exactly(v[16]),
	}
	e.key = key{intOf(v[5]), second(intOf(v[7])), signTypeFrom(zeroless(v[8]))}
	return e
}

func (e *entry) values() []any {
	return []any{e.origin, int64(e.table), e.record, e.row, orNull(e.account), e.person, e.punched, int64(e.at), e.sign.number(), orNull(e.tag),
		e.place, e.stored, e.readAt, e.absentAt, orNull(e.absentRun), e.moves, orNull(e.run)}
}

// number is the type as the ledger keeps it: 0 for NULL.
func (s signType) number() int64 {
	if s == signNull {
		return 0
	}
	return int64(s - '0')
}

// zeroless reads a type that is a number.
func zeroless(v any) string { return strings.Trim(textOf(v), "0") }

// orNull: for Oracle an empty text is NULL, so it is everywhere.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// exactly reads a text of the ledger as it is.
func exactly(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return textOf(v)
	}
}

// bounded is s, or a hash of it where it is too long for a column or could mean
// something else in some SQL mode or encoding.
func bounded(s string, most int) string {
	odd := func(r rune) bool { return r < ' ' || r > '~' || r == '\'' || r == '\\' }
	if len(s) <= most && strings.IndexFunc(s, odd) < 0 && s == strings.TrimSpace(s) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "#" + hex.EncodeToString(sum[:16])
}

const (
	maxRecord  = 100
	maxAccount = 64
	maxRun     = 64
	maxCorp    = 100
)

// originOf is the number that stands for a source and a corp in the ledger. A hash
// needs no generator, which databases have each in their own way.
func originOf(source, corp string) int64 {
	sum := sha256.Sum256([]byte(source + "\x00" + corp))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// recordOf names a punch in the ledger: by the platform's id or, where it has none,
// by what makes it a row.
func recordOf(id tableID, platform string, p *attendance.Punch, k key) string {
	if platform != "" {
		return bounded(platform, maxRecord)
	}
	return bounded(fmt.Sprintf("@%d/%d%d/%s", p.Time.Unix(), id, k.sign.number(), p.Account), maxRecord)
}

// spareRecord names a row of ours whose punch stands elsewhere.
func spareRecord(row int64) string { return "~" + strconv.FormatInt(row, 10) }

// hashOf is a hash of texts.
func hashOf(texts ...string) int64 {
	h := fnv.New64a()
	for _, s := range texts {
		_, _ = h.Write([]byte(s))
		_, _ = h.Write([]byte{0})
	}
	return int64(h.Sum64() >> 1)
}

// placeHash is that of a punch's place, as far as the table can hold it.
func (w *writing) placeHash(id tableID, r *want) int64 {
	p := r.punch
	var texts [4]string
	t, address := w.shape.sign, "ADDR"
	if id == mobileTable {
		t, address = w.shape.mobile, "address"
		texts[3] = p.Remark
	}
	if x, y, ok := w.coordinates(p.Place); ok && !r.second && t.has("LONGITUDE") {
		texts[0], texts[1] = x, y
	}
	if t.has(address) {
		texts[2] = p.Place.Address
	}
	return hashOf(texts[:]...)
}

// storedHash is that of a place as a row holds it: longitude, latitude, address,
// remark. Numeric columns have their own way to write a number.
func storedHash(values [4]any) int64 {
	var texts [4]string
	for i, v := range values {
		texts[i] = textOf(v)
		if i < 2 && texts[i] != "" {
			if f, err := strconv.ParseFloat(texts[i], 64); err == nil {
				texts[i] = strconv.FormatFloat(f, 'f', 6, 64)
			}
		}
	}
	return hashOf(texts[:]...)
}

// readEntries reads the entries that condition chooses. The list is divided where
// it is too long for a statement.
func readEntries[T int64 | string](ctx context.Context, c querier, w *writing, list []T, condition func(q *statement, part []T), take func(*entry)) error {
	if w.ledgerless() {
		return nil
	}
	t := w.shape.ledger.table(ledgerRows)
	for part := range slices.Chunk(list, valuesPerList) {
		q := w.statement("SELECT ").columns(t, entryColumns()...).sql(" FROM ").table(t).sql(" WHERE ")
		condition(q, part)
		err := q.query(ctx, c, len(entryColumns()), func(v []any) error {
			take(entryOf(v))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// texts appends ('a', 'b').
func (q *statement) texts(list []string) *statement {
	q.sql("(")
	for i, s := range list {
		if i > 0 {
			q.b = append(q.b, ',')
		}
		q.plain(s)
	}
	return q.sql(")")
}

// number appends a whole number.
func (q *statement) number(n int64) *statement {
	q.b = strconv.AppendInt(q.b, n, 10)
	return q
}

// replaceEntries takes entries out of the ledger and puts others in.
func (w *writing) replaceEntries(ctx context.Context, c bun.Conn, drop, put []*entry) error {
	t := w.shape.ledger.table(ledgerRows)
	for _, id := range [...]tableID{signTable, mobileTable} {
		byOrigin := make(map[int64][]string)
		for _, e := range drop {
			if e.table == id {
				byOrigin[e.origin] = append(byOrigin[e.origin], e.record)
			}
		}
		for origin, records := range byOrigin {
			for part := range slices.Chunk(records, valuesPerList) {
				q := w.statement("DELETE FROM ").table(t).sql(" WHERE ").column(t, "origin").sql(" = ").number(origin)
				q.sql(" AND ").column(t, "target").sql(" = ").number(int64(id)).sql(" AND ").column(t, "record_id").sql(" IN ").texts(part)
				if err := q.exec(ctx, c); err != nil {
					return err
				}
			}
		}
	}
	in := w.newInsert(c, t, nil, entryColumns()...)
	defer in.close()
	for _, e := range put {
		if err := in.add(ctx, e.values()...); err != nil {
			return err
		}
	}
	return in.flush(ctx)
}
