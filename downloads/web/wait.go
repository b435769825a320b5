package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what a server can ask for: after it, asking again is fair.
const maxWait = time.Hour

// Wait is how long a server asks us to keep away. The zero value is for a
// server that did not say.
type Wait struct {
	For   time.Duration
	Asked bool
	// Limited is set where the server counts requests and ours are used up
	// (RateLimit: r=0), and not merely busy.
	Limited bool
}

// waitFrom reads RateLimit (draft-ietf-httpapi-ratelimit-headers, as the
// Hugging Face hub sends it: "resolvers";r=0;t=55) and Retry-After (RFC 9110,
// 10.2.3: seconds or a date).
func waitFrom(h http.Header) Wait {
	for _, item := range strings.Split(h.Get("RateLimit"), ",") {
		left, seconds := int64(-1), int64(-1)
		for _, parameter := range strings.Split(item, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 0 {
				continue
			}
			switch name {
			case "r":
				left = n
			case "t":
				seconds = n
			}
		}
		if left == 0 && seconds >= 0 {
			return Wait{For: boundedSeconds(seconds), Asked: true, Limited: true}
		}
	}
	after := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(after, 10, 64); err == nil && seconds >= 0 {
		return Wait{For: boundedSeconds(seconds), Asked: true}
	}
	if date, err := http.ParseTime(after); err == nil {
		return Wait{For: min(max(time.Until(date), 0), maxWait), Asked: true}
	}
	return Wait{}
}

func boundedSeconds(n int64) time.Duration {
	return time.Duration(min(n, int64(maxWait/time.Second))) * time.Second
}

// expiry is when a signed address stops working, as far as its parameters say:
// Expires (CloudFront, seconds since 1970) or X-Amz-Date with X-Amz-Expires
// (AWS Signature Version 4).
func expiry(u *url.URL) time.Time {
	q := u.Query()
	if seconds, err := strconv.ParseInt(q.Get("Expires"), 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0)
	}
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<31 {
		return time.Time{}
	}
	return signed.Add(time.Duration(seconds) * time.Second)
}
