package oasink

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The names that a ledger gives have to fit, also with the longest prefix, and its
// keys the indexes.
func TestNamesAndKeysOfLedgers(t *testing.T) {
	for d, most := range map[dialect]int{sqlite{}: 64, mysql{}: 64, postgres{}: 63, sqlserver{}: 128, oracle{}: 30} {
		types := d.ledgerTypes()
		s := &Sink{dialect: d, opts: Options{Ledger: &LedgerOptions{Prefix: strings.Repeat("p", types.prefix())}}}
		require.NoError(t, s.validLedger())
		for _, layout := range ledgerLayout() {
			require.LessOrEqual(t, len(s.ledgerName("", layout.name).name), most, d.name())
			for _, columns := range append(layout.indexes, layout.key) {
				if words := strings.Split(columns, ", "); columns != layout.key {
					require.LessOrEqual(t, len(s.ledgerName("", layout.name+"_"+words[len(words)-1]).name), most, d.name())
				}
				size := 0
				for _, c := range layout.columns {
					name, kind, _ := strings.Cut(c, " ")
					if strings.Contains(", "+columns+", ", ", "+name+", ") {
						size += map[string]int{"big": 8, "small": 2, "t64": 4 * 64, "t100": 4 * 100}[kind]
						require.NotContains(t, []string{"t50", "t1000"}, kind)
					}
				}
				require.LessOrEqual(t, size, 767, "what InnoDB takes at least, four bytes a character")
				if d.name() == "SQL Server" {
					require.LessOrEqual(t, size, 900)
				}
			}
		}
		s.opts.Ledger.Prefix += "p"
		require.ErrorContains(t, s.validLedger(), d.name())
	}
}

// Where names without quotes mean upper case, ours are.
func TestNamesOfLedgersOnOracle(t *testing.T) {
	s := &Sink{dialect: oracle{}, opts: Options{Ledger: &LedgerOptions{Prefix: defaultLedgerPrefix}}}
	require.Equal(t, "ecology.PUNCHBRIDGE_ROWS", s.ledgerName("ecology", ledgerRows).String(), "the schema as it was found")
	s.opts.Ledger.Schema = "punch"
	require.Equal(t, "PUNCH.PUNCHBRIDGE_ROWS", s.ledgerName("ecology", ledgerRows).String())
}
