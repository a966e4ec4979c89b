// Package providertest is the conformance kit for providers: it drives the fake
// platform, not only the adapter, and proves what attendance.Provider promises.
//
//	func TestPunches(t *testing.T) {
//		providertest.Run(t, newFakeAcme, providertest.Features{Places: true})
//	}
//
// Every rule is a subtest in a testing/synctest bubble of its own, so waits take
// no time, the clock begins at 2000-01-01 00:00 UTC, and a goroutine that a
// Fetch leaves behind ends the test with a deadlock report. The upstream is made
// inside the bubble. Its transport has to be in process (an http.RoundTripper
// that calls a handler, httpmock): a real socket would hang the bubble.
package providertest
