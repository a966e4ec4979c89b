package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/punchbridge/punchbridge/attendance"
)

// metrics are what serve publishes. All times are Unix seconds.
type metrics struct {
	registry    *prometheus.Registry
	lastSuccess *prometheus.GaugeVec
	lastRun     *prometheus.GaugeVec
	up          *prometheus.GaugeVec
	next        *prometheus.GaugeVec
	readUpTo    *prometheus.GaugeVec
	finalUpTo   *prometheus.GaugeVec
	behind      *prometheus.GaugeVec
	leftOut     *prometheus.GaugeVec
	punches     *prometheus.CounterVec
	skipped     *prometheus.CounterVec
	calls       *prometheus.CounterVec

	mu    sync.Mutex
	final map[string]time.Time
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), final: map[string]time.Time{}}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "punchbridge", Name: name, Help: help}, append([]string{"job"}, labels...))
		m.registry.MustRegister(g)
		return g
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "punchbridge", Name: name, Help: help}, append([]string{"job"}, labels...))
		m.registry.MustRegister(c)
		return c
	}
	m.lastSuccess = gauge("last_success_timestamp_seconds", "When the last run of the job ended that did everything.")
	m.lastRun = gauge("last_run_timestamp_seconds", "When the last run of the job ended, however it did.")
	m.up = gauge("job_up", "1 when the last run of the job did everything, else 0.")
	m.next = gauge("next_run_timestamp_seconds", "When the job runs next.")
	m.readUpTo = gauge("read_up_to_timestamp_seconds", "Up to when everything was read for everybody.")
	m.finalUpTo = gauge("final_up_to_timestamp_seconds", "Up to when the daily runs change nothing any more.")
	m.behind = gauge("people_behind", "People of whom something owed was not read yet.")
	m.leftOut = gauge("people_left_out", "People the last run left out, by reason.", "reason")
	m.punches = counter("punches_total", "Punches, by what became of them: read, written, corrected, present, present_from_other; and rows superseded or removed.", "outcome")
	m.skipped = counter("skipped_total", "Records that were not written, by reason.", "reason")
	m.calls = counter("calls_total", "Calls to the platform for records.")
	return m
}

// schedule publishes when the job runs next and how far it lags, at every look.
func (m *metrics) schedule(j *jobConfig, now func() time.Time) {
	labels := prometheus.Labels{"job": j.name}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "punchbridge", Name: "final_lag_seconds",
		Help: "How far final_up_to lies behind now; 0 before the first run.", ConstLabels: labels}, func() float64 {
		m.mu.Lock()
		defer m.mu.Unlock()
		if final, known := m.final[j.name]; known {
			return now().Sub(final).Seconds()
		}
		return 0
	}))
	if at := j.schedule(); at != nil && j.enabled {
		m.next.With(labels).Set(seconds(at.Next(now())))
	}
}

// budget publishes what is left of a company's calls, at every look.
func (m *metrics) budget(provider string, left func() (float64, bool)) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "punchbridge", Name: "calls_left",
		Help: "Calls left of the provider's monthly_quota; -1 where it is not known.", ConstLabels: prometheus.Labels{"provider": provider}}, func() float64 {
		if n, known := left(); known {
			return n
		}
		return -1
	}))
}

func (m *metrics) count(j *jobConfig, r attendance.Report) {
	for outcome, n := range map[string]int{"read": r.Read, "written": r.Written, "corrected": r.Corrected, "present": r.Present,
		"present_from_other": r.PresentFromOther, "superseded": r.Superseded, "removed": r.Removed} {
		m.punches.WithLabelValues(j.name, outcome).Add(float64(n))
	}
	for reason, n := range r.Skipped {
		m.skipped.WithLabelValues(j.name, string(reason)).Add(float64(n))
	}
	m.calls.WithLabelValues(j.name).Add(float64(r.Calls + r.CheckCalls))
	m.leftOut.DeletePartialMatch(prometheus.Labels{"job": j.name})
	for _, one := range r.LeftOut {
		m.leftOut.WithLabelValues(j.name, string(one.LeftOut)).Inc()
	}
}

// remembered publishes how the runs before this process ended.
func (m *metrics) remembered(j *jobConfig, last, success time.Time, up bool) {
	m.lastRun.WithLabelValues(j.name).Set(seconds(last))
	if !success.IsZero() {
		m.lastSuccess.WithLabelValues(j.name).Set(seconds(success))
	}
	value := 0.0
	if up {
		value = 1
	}
	m.up.WithLabelValues(j.name).Set(value)
}

func (m *metrics) ended(j *jobConfig, now time.Time, err error) {
	m.lastRun.WithLabelValues(j.name).Set(seconds(now))
	up := 0.0
	if err == nil {
		up = 1
		m.lastSuccess.WithLabelValues(j.name).Set(seconds(now))
	}
	m.up.WithLabelValues(j.name).Set(up)
	if at := j.schedule(); at != nil {
		m.next.WithLabelValues(j.name).Set(seconds(at.Next(now)))
	}
}

func (m *metrics) progress(j *jobConfig, p attendance.Progress) {
	m.behind.WithLabelValues(j.name).Set(float64(p.Behind))
	if p.ReadUpTo.IsZero() {
		return
	}
	final := j.final(p)
	m.readUpTo.WithLabelValues(j.name).Set(seconds(p.ReadUpTo))
	m.finalUpTo.WithLabelValues(j.name).Set(seconds(final))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.final[j.name] = final
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// An endpoint answers /healthz and /metrics.
type endpoint struct {
	server *http.Server
	ended  chan struct{}
}

// open begins to listen.
func (m *metrics) open(ctx context.Context, address string, healthy func(context.Context) error) (*endpoint, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := healthy(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(oneLine(sentence(err)) + "\n"))
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	e := &endpoint{server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}, ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		_ = e.server.Serve(listener)
	}()
	return e, nil
}

func (e *endpoint) close() {
	_ = e.server.Close()
	<-e.ended
}
