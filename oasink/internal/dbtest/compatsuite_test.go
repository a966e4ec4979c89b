package dbtest

import (
	"fmt"
	"testing"

	"github.com/punchbridge/punchbridge/attendance/sinktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// SQL Server and Oracle do not run here, but an engine that understands much of
// their SQL does. What that shows is in docs/design.md.
func TestSQLServerAndOracleOnH2(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("what runs in the engine is not seen by the race detector; the rest is raced on the other databases")
	}
	for _, e := range compatEngines() {
		t.Run(e.name, func(t *testing.T) {
			neededCompat(t)
			vendorSuite(t, e)
		})
	}
}

// vendorSuite is what a database must do to hold an e-cology.
func vendorSuite(t *testing.T, on engine) {
	for _, g := range []oasink.Generation{oasink.E8, oasink.E9} {
		t.Run("sinktest/"+g.String(), func(t *testing.T) {
			sinktest.Run(t, func(t testing.TB) sinktest.Target {
				return target{on.found(t, ecologytest.Schema{Generation: g}), nil}
			}, sinktest.Features{Apart: true, Places: true})
		})
	}
	for name, test := range map[string]func(*testing.T, engine){
		"rows":             testRowsOfTheContract,
		"rows of others":   testRowsOfOthers,
		"spans":            testSpansThatEndWithinADay,
		"same second":      testSameSecond,
		"invalid rows":     testInvalidRowsAreNamed,
		"superseded":       testSuperseded,
		"queue":            testPool,
		"queue variants":   testPoolVariants,
		"generation":       testGeneration,
		"undirected":       testUndirected,
		"missing tables":   testMissingTablesAndColumns,
		"tags":             testTags,
		"texts":            testTexts,
		"sizes":            testDeclaredSizesAreKept,
		"counts":           testEveryPunchIsCountedOnce,
		"shown once":       testOutsidePunchIsShownOnce,
		"units":            testUnits,
		"bindings":         testBindings,
		"ambiguity":        testAmbiguity,
		"pages":            testPages,
		"stream":           testStreamContract,
		"scope's tables":   testScopeWithoutItsTables,
		"numeric degrees":  testNumericCoordinates,
		"a view of staff":  testStaffFromAView,
		"employees":        testEmployeesOutOfTheRoster,
		"unknown units":    testUnknownUnitsAreNamed,
		"inactive":         testInactiveAccounts,
		"streamed once":    testPeopleAreStreamedOnce,
		"a row in between": testARowThatAppearsAfterTheLook,
		"tables change":    testTablesThatChangeWhileWeRun,
		"outside punches":  testWhereOutsidePunchesGo,
		"what is shown":    testWhatTheOAShows,
		"no ids":           testPersonsThatAreNoIDsCostTheOthersNothing,
		"a whole company":  testAWholeCompanyArrivesOnceWithTheLeastCalls,
		"check":            testCheckNamesWhatIsMissing,
		"check, all good":  testCheckOfAGoodDatabase,
		"find persons":     testFindPersons,
		"examine":          testExamine,
		"shown":            testShown,
		"not shown":        testRowsThatAreNotShown,
		"computed days":    testComputedDays,
		"waiting":          testAnotherWriterIsWaitedFor,
		"waiting too long": testAnotherWriterForTooLong,
	} {
		t.Run(name, func(t *testing.T) { test(t, on) })
	}
	t.Run("ledger", func(t *testing.T) { ledgerSuite(t, on) })
	t.Run("eight pools at once", func(t *testing.T) {
		d := on.found(t, ecologytest.Schema{})
		manyPools(t, d, d)
	})
}

// ledgerSuite is what a database must do to hold a ledger.
func ledgerSuite(t *testing.T, on engine) {
	for _, withdrawn := range []oasink.Withdrawn{oasink.KeepWithdrawn, oasink.DeleteWithdrawn} {
		generation := []oasink.Generation{oasink.E8, oasink.E9}[withdrawn]
		t.Run("sinktest/"+generation.String(), func(t *testing.T) { ledgerConformance(t, on, generation, withdrawn) })
	}
	for name, test := range map[string]func(*testing.T, engine){
		"created once":        testTheLedgerIsCreatedOnce,
		"administrators":      testWhatAnAdministratorHasChangedIsLeftAlone,
		"places and tables":   testCorrectionsOfPlaceAndTable,
		"nothing half":        testNothingIsHalfChanged,
		"undo":                testUndo,
		"undo of a long run":  testUndoOfALongRun,
		"undo makes room":     testUndoMakesRoomForItself,
		"older answers":       testAnOlderAnswerFindsItsPlaceTaken,
		"the same id twice":   testTheSameRecordTwice,
		"accounts of nobody":  testRowsOfAnAccountThatIsNobodys,
		"external users":      testAnExternalUsersRowIsNoTwin,
		"names apart by case": testAccountsAreComparedByteForByte,
		"check":               testCheckOfALedger,
	} {
		t.Run(name, func(t *testing.T) { test(t, on) })
	}
	for seed := range 4 { // each generation, keeping and removing
		t.Run(fmt.Sprintf("history %d", seed), func(t *testing.T) { testRandomHistory(t, on, uint64(seed)) })
	}
}
