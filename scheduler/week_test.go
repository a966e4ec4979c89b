package scheduler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/scheduler"
)

// A week is lived through by two replicas that are killed, stopped, killed between claim
// and run, and triggered by hand, under a clock that is set and that has a change of
// summer time; all by chance. What they do is written down and held against the rules.
type week struct {
	*world
	*rand.Rand
	jobs  []scheduler.Job
	luck  *rand.Rand             // of the runs
	times map[string][]time.Time // what the schedules say, found otherwise

	hosts    [2]*host
	up       [2]time.Time // since when, on the real clock; zero if not
	back     [2]time.Time // when it comes back
	set      time.Time    // when the clock was last set
	armed    [2]bool      // to die at its next claim
	running  map[string]int
	done     map[string]int // runs that came to their end, by job and scheduled time
	harmed   map[string]bool
	claims   map[string][]time.Time
	by       map[string]int       // who made the last of them
	open     map[string]time.Time // a time that was cut off,
	since    map[string]time.Time // and since when it is seen
	events   []scheduler.Event
	accepted int // triggers
}

func TestWeeks(t *testing.T) {
	t.Parallel()
	seeds := byLength(4, 1)
	for _, where := range [][2]string{
		{"America/New_York", "2026-03-05 00:00"}, // 02:00 to 03:00 on the 8th
		{"America/New_York", "2026-10-29 00:00"}, // 01:00 to 02:00 twice on the 1st
		{"Australia/Lord_Howe", "2026-10-01 00:00"},
	} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s %s %d", where[0], where[1], seed), func(t *testing.T) {
				t.Parallel()
				in(t, where[0], where[1], func(w *world) {
					k := &week{world: w, Rand: rand.New(rand.NewPCG(uint64(seed), 7)),
						luck: rand.New(rand.NewPCG(uint64(seed), 8)), running: map[string]int{}, done: map[string]int{}, harmed: map[string]bool{}, claims: map[string][]time.Time{}, by: map[string]int{},
						open: map[string]time.Time{}, since: map[string]time.Time{}}
					k.prepare()
					k.live(7 * 24 * time.Hour)
					k.judge()
				})
			})
		}
	}
}

func (k *week) prepare() {
	hourly := scheduler.Interval{Every: time.Hour, Offset: 7 * time.Minute, Jitter: 20 * time.Minute, Seed: "week"}
	k.jobs = []scheduler.Job{
		{Name: "night", Schedule: scheduler.Daily(2, 15, k.zone)},
		{Name: "twice", Schedule: scheduler.AnyOf(scheduler.Daily(1, 30, k.zone), scheduler.Daily(23, 30, k.zone))},
		{Name: "hourly", Schedule: hourly},
	}
	from := k.now().Truncate(time.Minute)
	watched, _ := starts(from, 10, k.zone)
	k.times = map[string][]time.Time{}
	for shown, at := range watched {
		switch shown.Format("15:04") {
		case "02:15":
			k.times["night"] = append(k.times["night"], at)
		case "01:30", "23:30":
			k.times["twice"] = append(k.times["twice"], at)
		}
	}
	for at := hourly.Next(from); at.Before(from.Add(10 * 24 * time.Hour)); at = hourly.Next(at) {
		k.times["hourly"] = append(k.times["hourly"], at)
	}
	for _, times := range k.times {
		slices.SortFunc(times, time.Time.Compare)
	}
}

func key(job string, at time.Time) string { return job + at.UTC().Format(" 01-02 15:04:05Z") }

// start begins the life of a replica.
func (k *week) start(i int) {
	d := mortal(k.store)
	var h *host
	d.dieAt(func(job string, at time.Time) bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		if _, known := k.times[job]; !known {
			return false
		}
		k.claims[job] = append(k.claims[job], at.Truncate(time.Second))
		k.by[job] = i
		if dies := k.armed[i] && len(k.claims[job]) > 1; dies {
			k.harmed[key(job, at)] = true
			k.armed[i], k.up[i] = false, time.Time{}
			return true
		}
		return false
	})
	jobs := slices.Clone(k.jobs)
	for n := range jobs {
		jobs[n].Run = d.run(k.job(jobs[n].Name))
	}
	opts := scheduler.Options{Ticks: d, Leases: d, Owner: fmt.Sprint("replica", i), Observe: func(e scheduler.Event) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if e.Kind == scheduler.Ended && e.Reason != scheduler.Manual {
			if e.Err == nil {
				k.done[key(e.Job, e.Scheduled)]++
			} else {
				k.harmed[key(e.Job, e.Scheduled)] = true
			}
		}
		k.events = append(k.events, e)
	}}
	h = k.host(opts, jobs...)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hosts[i], k.up[i] = h, time.Now()
}

// job is what the jobs do: last a while, and see that nobody does the same.
func (k *week) job(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		k.mu.Lock()
		k.running[name]++
		if k.running[name] != 1 {
			k.Errorf("%s runs twice at once", name)
		}
		d := time.Duration(k.luck.IntN(40)) * time.Minute
		if k.luck.IntN(5) == 0 {
			d += 90 * time.Minute
		}
		k.mu.Unlock()
		err := lasting(d)(ctx)
		k.mu.Lock()
		k.running[name]--
		k.mu.Unlock()
		return err
	}
}

// end ends the life of a replica, in order or not.
func (k *week) end(i int, kill bool) {
	k.mu.Lock()
	h := k.hosts[i]
	k.up[i], k.armed[i] = time.Time{}, false
	for job, claims := range k.claims {
		if kill && k.by[job] == i { // perhaps just now
			k.harmed[key(job, claims[len(claims)-1])] = true
		}
	}
	k.back[i] = time.Now().Add(time.Duration(k.IntN(180)) * time.Minute)
	if k.IntN(3) > 0 {
		k.back[i] = time.Now().Add(time.Duration(k.IntN(60)) * time.Second)
	}
	k.mu.Unlock()
	if kill {
		h.kill()
	}
	h.stop(k.T)
}

func (k *week) live(d time.Duration) {
	end := time.Now().Add(d)
	k.start(0)
	k.start(1)
	for time.Now().Before(end) {
		k.watch(time.Duration(1+k.IntN(40*60)) * time.Second)
		i := k.IntN(2)
		k.mu.Lock()
		alive := !k.up[i].IsZero()
		died := !alive && k.hosts[i].dead.gone() && k.back[i].Before(time.Now())
		k.mu.Unlock()
		switch what := k.IntN(10); {
		case died && what < 5:
			k.end(i, true) // its remains are cleared away
			k.start(i)
		case !alive && !died && k.back[i].Before(time.Now()):
			k.start(i)
		case !alive:
		case what == 0:
			k.end(i, true)
		case what == 1:
			k.end(i, false)
		case what == 2:
			k.mu.Lock()
			k.armed[i] = true
			k.mu.Unlock()
		case what == 3:
			if by := time.Duration(k.IntN(6*3600)-3*3600) * time.Second; (k.ahead + by).Abs() < 10*time.Hour {
				k.world.set(by)
				k.set = time.Now()
			}
		case what < 6:
			if k.hosts[i].Trigger(k.jobs[k.IntN(3)].Name) == nil {
				k.accepted++
			}
		}
	}
	for i := range k.hosts { // a calm end
		k.end(i, false)
		k.start(i)
	}
	k.watch(3 * time.Hour)
	for i := range k.hosts {
		k.end(i, false)
	}
	synctest.Wait()
}

// watch lets time pass, and looks every minute whether what should be done is done.
func (k *week) watch(d time.Duration) {
	for ; d > 0; d -= time.Minute {
		k.pass(min(d, time.Minute))
		k.lively()
	}
}

// lively holds that nothing is late where somebody could have done it.
func (k *week) lively() {
	const look, mend = 70 * time.Second, 80 * time.Second
	k.mu.Lock()
	defer k.mu.Unlock()
	up := func(d time.Duration) bool {
		return slices.ContainsFunc(k.up[:], func(since time.Time) bool { return !since.IsZero() && time.Since(since) > d })
	}
	for job, times := range k.times {
		last, err := k.store.LastTick(k.Context(), job)
		require.NoError(k, err)
		if up(look) && time.Since(k.set) > look {
			n, _ := slices.BinarySearchFunc(times, time.Now().Add(k.ahead-time.Second), time.Time.Compare)
			require.False(k, n > 0 && last.Before(times[n-1]), "%s: %v is late at %v", job, times[max(n, 1)-1], time.Now().Add(k.ahead))
		}
		ended, err := k.store.LastTick(k.Context(), job+" #ended")
		require.NoError(k, err)
		if k.running[job] > 0 || !ended.Before(last) || !k.open[job].Equal(last) {
			k.open[job], k.since[job] = time.Time{}, time.Now()
			if k.running[job] == 0 && ended.Before(last) {
				k.open[job] = last
			}
		}
		require.False(k, !k.open[job].IsZero() && time.Since(k.since[job]) > mend && up(mend), "%s: %v was cut off, and nobody saw it at %v", job, last, time.Now())
	}
}

// judge holds what was done against the rules.
func (k *week) judge() {
	begun, skipped, missed := map[string][]scheduler.Reason{}, map[string]bool{}, map[string]int{}
	manual := 0
	for _, e := range k.events {
		at := key(e.Job, e.Scheduled)
		switch {
		case e.Reason == scheduler.Manual && (e.Kind == scheduler.Started || e.Kind == scheduler.Skipped):
			manual++
		case e.Kind == scheduler.Started:
			begun[at] = append(begun[at], e.Reason)
			missed[at] = max(missed[at], e.Missed)
		case e.Kind == scheduler.Skipped:
			skipped[at] = true
			missed[at] = max(missed[at], e.Missed)
		case e.Kind == scheduler.Missed:
			require.True(k, k.harmed[at] || len(begun[at]) > 0, "%s: given up without a reason", at)
			skipped[at] = true
		case e.Kind == scheduler.Trouble:
			require.Fail(k, "trouble", "%v", e)
		}
	}
	require.LessOrEqual(k, manual, k.accepted)
	require.GreaterOrEqual(k, manual, k.accepted*8/10, "some die before it is known")
	total, cut, late, over := 0, 0, 0, 0
	for job, claims := range k.claims {
		for i, at := range claims {
			name := key(job, at)
			if i == 0 {
				require.Empty(k, begun[name], "the first claim only says since when times are owed")
				continue
			}
			total++
			require.True(k, at.After(claims[i-1]), "no time is claimed twice, and none after a later one")
			this, scheduled := slices.BinarySearchFunc(k.times[job], at, time.Time.Compare)
			require.True(k, scheduled, "%s is a scheduled time", name)
			before, found := slices.BinarySearchFunc(k.times[job], claims[i-1], time.Time.Compare)
			if found {
				before++
			}
			if len(begun[name]) > 0 && begun[name][0] != scheduler.CutOff || skipped[name] && missed[name] > 0 {
				require.Equal(k, this-before, missed[name], "%s makes up for those before it", name)
			}
			again := slices.Index(begun[name], scheduler.CutOff)
			require.True(k, len(begun[name]) <= 1 || len(begun[name]) == 2 && again == 1, "%s: at most once, and once more when cut off: %v", name, begun[name])
			require.LessOrEqual(k, k.done[name], 1, "%s came to its end twice", name)
			if again >= 0 {
				cut++
				require.True(k, k.harmed[name] || len(begun[name]) == 2 || skipped[name], "%s: run once more without a reason", name)
			}
			if slices.Contains(begun[name], scheduler.CaughtUp) {
				late++
			}
			if skipped[name] {
				over++
			}
			last := i == len(claims)-1 // may go on when the week ends
			require.True(k, last || k.done[name] == 1 || skipped[name] || k.harmed[name] || len(begun[name]) > 0, "%s: nothing became of it: %v", name, begun[name])
		}
	}
	k.Logf("%d times claimed, %d skipped, %d caught up, %d cut off and run once more; %d manual runs", total, over, late, cut, manual)
	require.Greater(k, total, 100)
	require.True(k, cut > 0 && late > 0 && over > 0 && manual > 0, "the week was too calm to prove anything")
}
