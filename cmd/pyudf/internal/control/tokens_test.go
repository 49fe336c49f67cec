package control_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
)

func TestATokenIsKeptAsItsHashAlone(t *testing.T) {
	token, line, err := control.NewToken("ann", control.Deployer)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(line, token) || !strings.HasPrefix(line, "ann deployer sha256:") {
		t.Errorf("the line of %s is %s", token, line)
	}
	if _, err := control.ParseTokens("# who may what\n\n" + line + "  # on leave\n"); err != nil {
		t.Error(err)
	}
	other, _, err := control.NewToken("ann", control.Deployer)
	if err != nil || other == token {
		t.Errorf("the next token is %s (%v), after %s", other, err, token)
	}
	_, _, err = control.NewToken("ann marie", control.Viewer)
	says(t, err, "ann marie", "is no name for a token")
}

func TestATokensFileSaysAllThatIsWrongWithIt(t *testing.T) {
	hash := "sha256:" + strings.Repeat("0a", 32)
	_, err := control.ParseTokens("ann deployer " + hash + "\nbob boss sha256:00\nann viewer hunter2\neve viewer\n-x viewer " + hash + "\ndan viewer " + hash)
	says(t, err,
		`line 2: there is no role "boss": write viewer, deployer, admin`,
		"line 3: the third word is not sha256: and 64 hexadecimal digits",
		"line 4: write NAME ROLE sha256:HEX",
		`line 5: "-x" is no name`,
		"line 6: the token is that of line 1")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error has what may be a token: %v", err)
	}
	_, err = control.ParseTokens("# nobody\n")
	says(t, err, "there is no token in it")
}

func TestATokensFileThatEverybodyMayReadIsRefused(t *testing.T) {
	path, _ := tokenFile(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := control.Start(t.Context(), control.ServerConfig{Addr: "127.0.0.1:0", Tokens: path})
	says(t, err, "--tokens", "mode 0644", "chmod o= "+path)
	_, err = control.Start(t.Context(), control.ServerConfig{Addr: "127.0.0.1:0", Tokens: filepath.Join(t.TempDir(), "nope")})
	says(t, err, "--tokens", "no such file")
}

func TestChangesOfTheTokensFileCountAtOnce(t *testing.T) {
	path, tokens := tokenFile(t)
	n := serve(t, control.ServerConfig{Tokens: path})
	ann := dial(t, control.ClientConfig{URL: n.URL(), Token: tokens[control.Admin]})
	if _, err := ann.Node(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, line, err := control.NewToken("new", control.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	writeTokens(t, path, line)
	if _, err := dial(t, control.ClientConfig{URL: n.URL(), Token: token}).Node(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = ann.Node(t.Context())
	says(t, err, "the token is none of this node's")
	writeTokens(t, path, "what is this")
	if _, err := dial(t, control.ClientConfig{URL: n.URL(), Token: token}).Node(t.Context()); err != nil {
		t.Errorf("with a faulty file the tokens before are gone: %v", err)
	}
	if !strings.Contains(n.log.String(), "cannot be used") {
		t.Errorf("nothing of it is logged: %s", n.log)
	}
}

func FuzzATokensFileIsReadOrRefused(f *testing.F) {
	hash := "sha256:" + strings.Repeat("0a", 32)
	for _, seed := range []string{"", "ann admin " + hash, "# x\nann viewer " + hash + "\n", "ann\tboss\t1", "\ufeffann viewer " + hash, "a b c d", "ann viewer sha256:zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := control.ParseTokens(text)
		_, again := control.ParseTokens(text + "\n# a comment\n")
		if (err == nil) != (again == nil) {
			t.Errorf("a comment changes it: %v, then %v", err, again)
		}
		if err == nil && !strings.Contains(text, "sha256:") {
			t.Errorf("tokens were found in %q", text)
		}
	})
}
