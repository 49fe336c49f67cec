package control

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Tokens are those that a node accepts, of which it knows the hashes only.
type Tokens struct {
	entries []entry
}

type entry struct {
	name string
	role Role
	hash [sha256.Size]byte
}

const hashPrefix = "sha256:"

// tokenName is what may be the name of a token, and of a user: it stands in logs and in the history of deployments.
var tokenName = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.@+-]{0,63}$`)

// ParseTokens reads a tokens file: a line `NAME ROLE sha256:HEX` for each token, and comments behind #. Its error names every
// fault, and never what a line has in the place of the hash.
func ParseTokens(text string) (Tokens, error) {
	var tokens Tokens
	var faults []error
	seen := map[[sha256.Size]byte]int{}
	number := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		e, err := parseEntry(words)
		if before, twice := seen[e.hash]; err == nil && twice {
			err = fmt.Errorf("the token is that of line %d: each may stand there once", before)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		seen[e.hash] = number
		tokens.entries = append(tokens.entries, e)
	}
	if len(tokens.entries) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("there is no token in it: `pyudf token NAME ROLE` makes one"))
	}
	return tokens, errors.Join(faults...)
}

func parseEntry(words []string) (entry, error) {
	if len(words) != 3 {
		return entry{}, errors.New("write NAME ROLE sha256:HEX, as `pyudf token NAME ROLE` prints it")
	}
	e := entry{name: words[0]}
	if !tokenName.MatchString(e.name) {
		return entry{}, fmt.Errorf("%q is no name: take letters, digits and _ . @ + -, 64 at most", e.name)
	}
	var err error
	if e.role, err = ParseRole(words[1]); err != nil {
		return entry{}, err
	}
	digits, found := strings.CutPrefix(words[2], hashPrefix)
	hash, err := hex.DecodeString(digits)
	if !found || err != nil || len(hash) != len(e.hash) {
		return entry{}, errors.New("the third word is not sha256: and 64 hexadecimal digits: `pyudf token NAME ROLE` prints the whole line")
	}
	copy(e.hash[:], hash)
	return e, nil
}

// find returns whose token it is. How long it takes does not depend on the token.
func (t Tokens) find(token string) (entry, bool) {
	hash := sha256.Sum256([]byte(token))
	found, at := 0, 0
	for i := range t.entries {
		same := subtle.ConstantTimeCompare(hash[:], t.entries[i].hash[:])
		at = subtle.ConstantTimeSelect(same, i, at)
		found |= same
	}
	if found == 0 {
		return entry{}, false
	}
	return t.entries[at], true
}

// NewToken returns a token that nobody can guess, and its line in a tokens file.
func NewToken(name string, role Role) (token, line string, err error) {
	if !tokenName.MatchString(name) {
		return "", "", fmt.Errorf("%q is no name for a token: take letters, digits and _ . @ + -, 64 at most", name)
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", "", err
	}
	token = "pyudf_" + base64.RawURLEncoding.EncodeToString(secret[:])
	hash := sha256.Sum256([]byte(token))
	return token, fmt.Sprintf("%s %s %s%s", name, role, hashPrefix, hex.EncodeToString(hash[:])), nil
}

// readTokens reads a tokens file, which may be nobody's but its owner's and group's.
func readTokens(path string) (Tokens, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Tokens{}, err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return Tokens{}, fmt.Errorf("%s may be read or written by everybody on the machine (mode %04o): chmod o= %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Tokens{}, err
	}
	tokens, err := ParseTokens(string(text))
	if err != nil {
		return Tokens{}, fmt.Errorf("%s: %w", path, err)
	}
	return tokens, nil
}
