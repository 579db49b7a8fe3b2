package retry_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fairlead.dev/retry"
)

// TestR4Cases reads every row of the measured cases. A row's number of seconds is what the parser
// must return; the others name values that must be ignored, except the hour, which is valid
// and left to Patient and Fits.
func TestR4Cases(t *testing.T) {
	f, err := os.Open("testdata/retry_after_cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	for sc := bufio.NewScanner(f); sc.Scan(); rows++ {
		var row struct{ Header, Value, Want string }
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		t.Run(row.Header+"="+row.Value, func(t *testing.T) {
			want := time.Duration(0)
			if secs, ok := strings.CutSuffix(row.Want, " s"); ok {
				if want, err = time.ParseDuration(secs + "s"); err != nil {
					t.Fatal(err)
				}
			} else if row.Value == "3600" {
				want = time.Hour
			}
			got, ok := readRow(row.Header, row.Value)
			if got != want || ok != (want > 0) {
				t.Errorf("= %v, %v, want %v (%s)", got, ok, want, row.Want)
			}
			if w := (retry.Policy{}).Wait(1, got, 0); w < max(want, retry.MinWait) {
				t.Errorf("waits %v", w)
			}
		})
	}
	if rows != 12 {
		t.Errorf("%d rows, want 12", rows)
	}
	if (retry.Policy{}).Patient(time.Hour) || retry.Fits(time.Hour, time.Minute, 0) {
		t.Error("an hour's hint would be slept through")
	}
}

func readRow(header, value string) (time.Duration, bool) {
	if strings.HasPrefix(header, "x-ratelimit-reset") || header == "retryDelay" {
		return retry.ResetHint(value, start)
	}
	h := http.Header{}
	h.Set(header, value)
	return retry.HeaderHint(h, start)
}

// R4: every form is read, every absurd value is ignored.
func TestR4HeaderHint(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	at := start.Add(90 * s)
	tests := []struct {
		name string
		h    http.Header
		want time.Duration
	}{
		{"none", http.Header{}, 0},
		{"seconds", http.Header{"Retry-After": {"30"}}, 30 * s},
		{"fraction", http.Header{"Retry-After": {"1.5"}}, 1500 * ms},
		{"spaces", http.Header{"Retry-After": {" 30\t"}}, 30 * s},
		{"RFC 1123", http.Header{"Retry-After": {at.Format(http.TimeFormat)}}, 90 * s},
		{"RFC 850", http.Header{"Retry-After": {"Saturday, 01-Jan-00 00:01:30 GMT"}}, 90 * s},
		{"asctime", http.Header{"Retry-After": {at.Format(time.ANSIC)}}, 90 * s},
		{"date gone by", http.Header{"Retry-After": {start.Add(-s).Format(http.TimeFormat)}}, 0},
		{"date now", http.Header{"Retry-After": {start.Format(http.TimeFormat)}}, 0},
		{"date in a year", http.Header{"Retry-After": {start.AddDate(1, 0, 0).Format(http.TimeFormat)}}, 0},
		{"a week", http.Header{"Retry-After": {"604800"}}, retry.MaxHint},
		{"over a week", http.Header{"Retry-After": {"604801"}}, 0},
		{"milliseconds", http.Header{"Retry-After-Ms": {"250"}}, 250 * ms},
		{"fraction of them", http.Header{"Retry-After-Ms": {"0.5"}}, 500 * time.Microsecond},
		{"Azure", http.Header{"X-Ms-Retry-After-Ms": {"250"}}, 250 * ms},
		{"milliseconds win", http.Header{"Retry-After-Ms": {"250"}, "Retry-After": {"1"}}, 250 * ms},
		{"but not by garbage", http.Header{"Retry-After-Ms": {"NaN"}, "Retry-After": {"1"}}, s},
		{"the longer of both", http.Header{"Retry-After-Ms": {"250"}, "X-Ms-Retry-After-Ms": {"300"}}, 300 * ms},
		{"repeated: longest", http.Header{"Retry-After": {"5", "20", "10"}}, 20 * s},
		{"repeated: valid", http.Header{"Retry-After": {"banana", "-1", "10", "1e9"}}, 10 * s},
		{"repeated: date", http.Header{"Retry-After": {"5", at.Format(http.TimeFormat)}}, 90 * s},
		{"joined", http.Header{"Retry-After": {"5, 20"}}, 20 * s},
		{"lower case map", http.Header{"retry-after": {"5"}}, 0}, // net/http never makes one
	}
	for _, bad := range []string{"", " ", "0", "0.0", "-5", "+5", "NaN", "Inf", "-Inf", "1e300", "1e3", "0x10", "1_000", "banana",
		"30s", ".", "1.2.3", "١", "99999999999999999999", strings.Repeat("9", 5000), strings.Repeat("x", 5000), ", ,"} {
		tests = append(tests, struct {
			name string
			h    http.Header
			want time.Duration
		}{"bad " + bad[:min(len(bad), 20)], http.Header{"Retry-After": {bad}, "Retry-After-Ms": {bad}}, 0})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := retry.HeaderHint(tt.h, start)
			if got != tt.want || ok != (tt.want > 0) {
				t.Errorf("= %v, %v, want %v", got, ok, tt.want)
			}
		})
	}
}

func TestR4ResetHint(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Duration
	}{
		{"6m0s", 6 * time.Minute},
		{"12ms", 12 * time.Millisecond},
		{"1h2m3.5s", time.Hour + 2*time.Minute + 3500*time.Millisecond},
		{"45.837906927s", 45_837_906_927},
		{"26s", 26 * time.Second},
		{"37", 37 * time.Second},
		{"0.25", 250 * time.Millisecond},
		{"2026-11-24T03:01:00Z", time.Minute},
		{"2026-11-24T04:01:00.5+01:00", time.Minute + 500*time.Millisecond},
		{"1795489260", time.Minute},    // seconds since 1970
		{"1795489260000", time.Minute}, // milliseconds
		{"1795489260500", time.Minute + 500*time.Millisecond},
		{" 26s ", 26 * time.Second},

		{"2026-11-24T02:59:59Z", 0}, {"2026-12-24T03:01:00Z", 0}, {"1795489199", 0}, {"1795489199999", 0},
		{"1895489260", 0}, {"604801", 0}, {"0", 0}, {"0s", 0}, {"-1", 0}, {"-26s", 0}, {"", 0}, {"NaN", 0}, {"Inf", 0},
		{"1e300", 0}, {"9223372036854775807", 0}, {"99999999999999999999999", 0}, {"169h", 0}, {"9999999h", 0},
		{"banana", 0}, {"60%", 0}, {"1795489260.5", 0}, {strings.Repeat("1s", 500), 0},
	}
	for _, tt := range tests {
		got, ok := retry.ResetHint(tt.value, now)
		if got != tt.want || ok != (tt.want > 0) {
			t.Errorf("ResetHint(%q) = %v, %v, want %v", tt.value, got, ok, tt.want)
		}
	}
}

func TestR4TextHint(t *testing.T) {
	const openai = "Rate limit reached for gpt-x in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 9000. "
	tests := []struct {
		msg  string
		want time.Duration
	}{
		{openai + "Please try again in 41.724s. Visit https://platform.openai.com to learn more.", 41_724 * time.Millisecond},
		{openai + "Please try again in 579ms.", 579 * time.Millisecond},
		{openai + "Please try again in 1m9.696s. Visit", 69_696 * time.Millisecond},
		{openai + "Please try again in 1h2m37s", time.Hour + 2*time.Minute + 37*time.Second},
		{"Requests have exceeded the call rate limit. Please retry after 37 seconds. Please go here", 37 * time.Second},
		{"Please retry after 1 second.", time.Second},
		{"* Quota exceeded for metric: x, limit: 20\nPlease retry in 41.065029449s.", 41_065_029_449},
		{"Please retry in 10h17m.", 10*time.Hour + 17*time.Minute},
		{"retry in 46s", 46 * time.Second},
		{"All accounts rate limited, reset after 2m 13s", 133 * time.Second},
		{"Your quota will reset after 42h1m20s.", 42*time.Hour + 80*time.Second},
		{"retry in 5s, or retry in 50s, or retry in 6s", 50 * time.Second},
		{"reset after 2m 13 apples", 2 * time.Minute},

		{"", 0}, {"Please try again later.", 0}, {"Please try again in a minute", 0}, {"retry in 48.113410", 0},
		{"Please try again in 1m9.696", 0}, {"reset after 0s.", 0}, {"retry in -5s", 0}, {"retry in 5 apples", 0},
		{"retry in 999999999999999999999h", 0}, {"retry in 169h", 0}, {"retry in 100h100h", 0}, {"retry in " + strings.Repeat("168h", 30501), 0}, {"wait 5s", 0},
		{"retry in .s", 0}, {"retry in 1.2.3s", 0}, {"retry in 5µs", 0}, {"retry in ", 0},
	}
	for _, tt := range tests {
		got, ok := retry.TextHint(tt.msg)
		if got != tt.want || ok != (tt.want > 0) {
			t.Errorf("TextHint(%q) = %v, %v, want %v", tt.msg, got, ok, tt.want)
		}
	}
}
