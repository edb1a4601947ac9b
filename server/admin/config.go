package admin

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"paperplane/protocol/plane"
	"paperplane/server"
)

// Config is what an operator may set, in one file. Its comments are the manual: Describe
// prints them.
type Config struct {
	// The address and port that the server listens on. For people outside this machine:
	// ":443" with domain (and that is then the default), or a loopback address behind a proxy
	// of yours.
	Listen string `toml:"listen"`
	// The server's name in the Internet. With it the server fetches and renews its own
	// certificate (Let's Encrypt), listens for https on listen, and answers the proof of the
	// name there or on http_listen.
	Domain string `toml:"domain"`
	// With domain: where plain http is answered, only to prove the name and to send browsers
	// to https. Empty: nowhere, the proof then needs port 443.
	HTTPListen string `toml:"http_listen"`
	// How others reach the server, as it stands in invites: "https://chat.example". Empty:
	// made from domain or listen. Needed behind a proxy.
	Origin string `toml:"origin"`
	// A loopback address for metrics in Prometheus' text format, such as "127.0.0.1:9100".
	// Empty: none.
	Metrics string `toml:"metrics"`
	// How often the first invite may be used, and for how many days. 0 uses: no such invite;
	// people are then invited by members only.
	InviteUses int `toml:"invite_uses"`
	InviteDays int `toml:"invite_days"`
	// The longest life of a message here, in days (1 to 180), and the life of a file.
	TTLDaysMax int `toml:"ttl_days_max"`
	BlobDays   int `toml:"blob_days"`
	// How much disk is left alone, in MiB: below it nothing new is taken.
	DiskReserveMiB int `toml:"disk_reserve_mib"`
	// How much all writers of one conversation may write in a day, in MiB.
	LogMiBPerDay int `toml:"log_mib_per_day"`
	// How much of files one member may store in a day, in MiB.
	BlobMiBPerMemberDay int `toml:"blob_mib_per_member_day"`
	// How many conversations one member may begin in a day.
	LogsPerMemberDay int `toml:"logs_per_member_day"`
	// How many connections one address may open in a minute. This machine's own are not counted.
	SessionsPerMinute int `toml:"sessions_per_minute"`
	// How many connections there may be at once.
	SessionsMax int `toml:"sessions_max"`
	// For tests of certificates: the authority's directory, and a file with the root
	// certificates to trust it by. Empty: Let's Encrypt and the system's own.
	ACMEDirectory string `toml:"acme_directory"`
	ACMERoots     string `toml:"acme_roots"`
}

// DefaultConfig is what holds without a file.
func DefaultConfig() Config {
	d := server.DefaultLimits()
	return Config{
		Listen: "127.0.0.1:8765", InviteUses: 20, InviteDays: 30,
		TTLDaysMax: int(d.TTLDaysMax), BlobDays: d.BlobDays, DiskReserveMiB: int(d.DiskReserveBytes >> 20),
		LogMiBPerDay: int(d.LogBytesPerDay >> 20), BlobMiBPerMemberDay: int(d.BlobBytesPerMemberDay >> 20),
		LogsPerMemberDay: d.LogsPerMemberDay, SessionsPerMinute: d.SessionsPerMinute, SessionsMax: 20000,
	}
}

// Limits returns the limits that the configuration sets.
func (c Config) Limits() server.Limits {
	return server.Limits{
		TTLDaysMax: uint8(c.TTLDaysMax), BlobDays: c.BlobDays,
		DiskReserveBytes: int64(c.DiskReserveMiB) << 20, LogBytesPerDay: int64(c.LogMiBPerDay) << 20,
		BlobBytesPerMemberDay: int64(c.BlobMiBPerMemberDay) << 20, LogsPerMemberDay: c.LogsPerMemberDay,
		SessionsPerMinute: c.SessionsPerMinute, SessionsBurst: 2 * c.SessionsPerMinute,
	}
}

// ReadConfig reads a file over the defaults. A key that does not exist is an error that names
// its line, so that a slip never passes as a setting.
func ReadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	return ParseConfig(string(text))
}

// ParseConfig is ReadConfig for a text.
func ParseConfig(text string) (Config, error) {
	c := DefaultConfig()
	meta, err := toml.Decode(text, &c)
	if err != nil {
		if p, ok := errors.AsType[toml.ParseError](err); ok {
			return Config{}, fmt.Errorf("line %d: %s", p.Position.Line, p.Message)
		}
		return Config{}, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return Config{}, fmt.Errorf("line %d: there is no setting %q%s; see: paperplane config describe", lineOf(text, key), key, near(key))
	}
	return c, c.Check()
}

// lineOf returns the number of the line that sets key.
func lineOf(text, key string) int {
	if i := strings.IndexByte(key, '.'); i >= 0 {
		key = key[:i]
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " \t[\""), key) {
			return i + 1
		}
	}
	return 1
}

// near returns a hint at the setting that was probably meant.
func near(key string) string {
	best, bestScore := "", 0
	for _, s := range settings() {
		if score := common(s.name, key); score > bestScore && 2*score >= len(key) {
			best, bestScore = s.name, score
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// common returns the length of the longest common subsequence.
func common(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range len(a) {
		diagonal := 0
		for j := range len(b) {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

// Check says what cannot be.
func (c Config) Check() error {
	for _, v := range []struct {
		name     string
		n        int
		min, max int
	}{
		{"invite_uses", c.InviteUses, 0, plane.DoorUsesMax},
		{"invite_days", c.InviteDays, 1, 3650},
		{"ttl_days_max", c.TTLDaysMax, plane.TTLDaysMin, plane.TTLDaysMax},
		{"blob_days", c.BlobDays, 1, 3650},
		{"disk_reserve_mib", c.DiskReserveMiB, 1, 1 << 30},
		{"log_mib_per_day", c.LogMiBPerDay, 1, 1 << 30},
		{"blob_mib_per_member_day", c.BlobMiBPerMemberDay, 1, 1 << 30},
		{"logs_per_member_day", c.LogsPerMemberDay, 1, 1 << 30},
		{"sessions_per_minute", c.SessionsPerMinute, 1, 1 << 30},
		{"sessions_max", c.SessionsMax, 1, 1 << 20},
	} {
		if v.n < v.min || v.n > v.max {
			return fmt.Errorf("%s is %d; it must be from %d to %d", v.name, v.n, v.min, v.max)
		}
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen must be an address and a port, such as 127.0.0.1:8765")
	}
	if c.Metrics != "" {
		ap, err := netip.ParseAddrPort(c.Metrics)
		if err != nil || !ap.Addr().IsLoopback() {
			return fmt.Errorf("metrics must be a loopback address and a port, such as 127.0.0.1:9100")
		}
	}
	if c.Origin != "" {
		rest, https := strings.CutPrefix(c.Origin, "https://")
		rest, http := strings.CutPrefix(rest, "http://")
		if !https && !http || rest == "" || strings.ContainsAny(rest, "/#? ") || rest != strings.ToLower(rest) {
			return fmt.Errorf("origin must be such as https://chat.example, in lower case and without a path")
		}
	}
	if strings.ContainsAny(c.Domain, "/: ") || c.Domain != strings.ToLower(c.Domain) {
		return fmt.Errorf("domain must be a name such as chat.example, in lower case")
	}
	return nil
}

//go:embed config.go
var source string

type setting struct{ name, doc string }

// settings reads this file: the settings and what the comments above them say. A field without
// a comment of its own shares the one of the field before it.
func settings() (out []setting) {
	_, rest, _ := strings.Cut(source, "type Config struct {\n")
	block, _, _ := strings.Cut(rest, "\n}\n")
	var doc []string
	for line := range strings.SplitSeq(block, "\n") {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "// "); ok {
			doc = append(doc, text)
			continue
		}
		_, tag, _ := strings.Cut(line, "`toml:\"")
		name, _, _ := strings.Cut(tag, "\"")
		out = append(out, setting{name: name, doc: strings.Join(doc, "\n")})
		doc = nil
	}
	return out
}

// Describe returns a file that sets everything to its default, with the manual as comments.
func Describe() string {
	var values strings.Builder
	_ = toml.NewEncoder(&values).Encode(DefaultConfig()) // to memory: never fails
	lines := strings.Split(strings.TrimSpace(values.String()), "\n")
	var b strings.Builder
	b.WriteString("# Settings of paperplane serve, with their defaults. A flag of the same name goes first.\n")
	for i, s := range settings() {
		if s.doc != "" {
			b.WriteString("\n# " + strings.ReplaceAll(s.doc, "\n", "\n# ") + "\n")
		}
		b.WriteString("# " + lines[i] + "\n")
	}
	return b.String()
}

// OriginAt returns the origin that stands in invites, of a server that listens at addr.
func (c Config) OriginAt(addr net.Addr) string {
	switch {
	case c.Origin != "":
		return c.Origin
	case c.Domain != "":
		_, port, _ := net.SplitHostPort(addr.String())
		if port == "443" {
			return "https://" + c.Domain
		}
		return "https://" + net.JoinHostPort(c.Domain, port)
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.IsUnspecified() {
		a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(a, ap.Port()).String()
}
