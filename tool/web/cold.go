package main

// cold are the packages of the core that are compiled without inlining, which makes it a tenth smaller. What works on every byte
// (ciphers, hashes, curves and encoding/binary, sync and internal/byteorder, which they call) keeps it: a package compiled so gives
// nobody else its functions to inline. docs/internals/wasm.md has the figures.
var cold = []string{
	"paperplane/...", "github.com/...", "rsc.io/...", "runtime", "reflect", "syscall", "syscall/js", "internal/poll", "internal/godebug",
	"internal/strconv", "internal/fmtsort", "vendor/golang.org/x/crypto/...", "encoding/base32", "encoding/base64", "encoding/hex", "fmt", "time",
	"math/big", "math/rand", "math/rand/v2", "net/netip", "strconv", "os", "io/fs", "context", "unicode", "bufio", "sort", "path",
	"strings", "bytes", "errors", "unique", "image/color", "crypto/ecdh", "crypto/hpke", "crypto/rand",
	"crypto/internal/fips140/nistec/...", "crypto/internal/fips140/ecdh", "crypto/internal/fips140/drbg",
}

func coldFlags() []string {
	flags := make([]string, len(cold))
	for i, pattern := range cold {
		flags[i] = "-gcflags=" + pattern + "=-l"
	}
	return flags
}
