package front

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log"
	"net/netip"
	"sync"
	"time"
)

// addressesMax bounds the addresses remembered in one hour. Above it new ones share one bucket.
const addressesMax = 1 << 16

// Limiter bounds how many sessions one address opens: IPv4 whole, IPv6 by /64. It knows an
// address only as HMAC(key of the hour, address), in memory.
type Limiter struct {
	perMinute, burst float64
	now              func() time.Time

	mu      sync.Mutex
	hour    int64
	key     [32]byte
	buckets map[[16]byte]*bucket
}

type bucket struct {
	used float64
	last time.Time
}

// NewLimiter returns a Limiter that lets burst sessions through at once and perMinute in the
// long run.
func NewLimiter(perMinute, burst int, now func() time.Time) *Limiter {
	return &Limiter{perMinute: float64(perMinute), burst: float64(burst), now: now}
}

// Allow counts one session from a remote address as net/http gives it. Loopback addresses are
// always allowed: they are this machine, or the operator's own proxy.
func (l *Limiter) Allow(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.IsLoopback() {
		return true
	}
	if a.Is6() {
		p, err := a.Prefix(64)
		if err != nil {
			return false
		}
		a = p.Addr()
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if hour := now.Unix() / 3600; hour != l.hour || l.buckets == nil {
		_, _ = rand.Read(l.key[:]) // never fails; the last hour's addresses mean nothing now
		l.hour, l.buckets = hour, map[[16]byte]*bucket{}
	}
	mac := hmac.New(sha256.New, l.key[:])
	raw := a.As16()
	mac.Write(raw[:])
	k := [16]byte(mac.Sum(nil))
	b := l.buckets[k]
	if b == nil {
		if len(l.buckets) >= addressesMax {
			k = [16]byte{} // one bucket for all who come late
			b = l.buckets[k]
		}
		if b == nil {
			b = &bucket{last: now}
			l.buckets[k] = b
		}
	}
	b.used = max(0, b.used-now.Sub(b.last).Minutes()*l.perMinute)
	b.last = now
	if b.used+1 > l.burst {
		return false
	}
	b.used++
	return true
}

// silent is where net/http's own complaints go: they hold addresses.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
