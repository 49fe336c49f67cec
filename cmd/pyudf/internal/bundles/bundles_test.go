package bundles_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// nodePython returns the interpreter that has pyudf, and skips the test where there is none; in CI it fails.
func nodePython(t *testing.T) string {
	t.Helper()
	interpreter := os.Getenv("PYUDF_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join("..", "..", "..", "..", ".venv", "bin", "python")
	}
	interpreter, err := filepath.Abs(interpreter)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), interpreter, "-c", "import pyudf.bundling").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s has no pyudf: %s", interpreter, said)
		}
		t.Skipf("%s has no pyudf (%s): make .venv, or set PYUDF_PYTHON", interpreter, said)
	}
	return interpreter
}

func open(t *testing.T, config bundles.Config) *bundles.Cache {
	t.Helper()
	config.Python = nodePython(t)
	cache, err := bundles.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

const app = `
import pyudf as pu

app = pu.App("heat")
app.topic("weather", key="station").to("copy")
`

// archive builds a bundle of a small app.
func archive(t *testing.T, code, requirements string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"heat.py": code, "requirements.txt": requirements} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), nodePython(t), "-m", "pyudf.bundling", "build", "heat.py", "-o", "x.pyudf")
	build.Dir = dir
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	built, err := os.ReadFile(filepath.Join(dir, "x.pyudf"))
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func put(t *testing.T, cache *bundles.Cache, data []byte) *bundles.Bundle {
	t.Helper()
	bundle, err := cache.Put(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// files returns the names of what is in a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

func TestABundleLiesUnderTheHashOfItsBytes(t *testing.T) {
	dir := t.TempDir()
	cache := open(t, bundles.Config{Dir: dir})
	data := archive(t, app, "numpy>=1\n")
	bundle := put(t, cache, data)
	sum := sha256.Sum256(data)
	sha := hex.EncodeToString(sum[:])
	if len(bundle.Hash) != 64 || len(bundle.Content) != 64 || bundle.Hash == bundle.Content {
		t.Errorf("the hashes are %s and %s", bundle.Hash, bundle.Content)
	}
	want := bundles.Bundle{
		File: filepath.Join(dir, sha+".pyudf"), Archive: sha, Bytes: int64(len(data)), Hash: bundle.Hash, Content: bundle.Content,
		App: "heat", Entry: "app", Target: "heat.py", Requirements: []string{"numpy>=1"}, Python: bundle.Python, Pyudf: bundle.Pyudf,
	}
	if !reflect.DeepEqual(*bundle, want) || !strings.HasPrefix(bundle.Python, "3.") || bundle.Pyudf == "" {
		t.Errorf("got %+v, want %+v", *bundle, want)
	}
	kept, err := os.ReadFile(bundle.File)
	if err != nil || !bytes.Equal(kept, data) {
		t.Errorf("the file is another (%v)", err)
	}
	again, err := cache.Get(t.Context(), sha)
	if err != nil || !reflect.DeepEqual(again, bundle) {
		t.Errorf("got %+v, %v", again, err)
	}
	if names := files(t, dir); len(names) != 1 {
		t.Errorf("the directory has %v", names)
	}
}

// entry adds a file to a bundle.
func entry(t *testing.T, data []byte, name string) []byte {
	t.Helper()
	old, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	writer := zip.NewWriter(&packed)
	for _, file := range old.File {
		if err := writer.Copy(file); err != nil {
			t.Fatal(err)
		}
	}
	file, err := writer.Create(name)
	if err == nil {
		_, err = io.WriteString(file, "x")
	}
	if err = errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// damaged returns a bundle with a bit of its first file turned.
func damaged(t *testing.T, data []byte) []byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	offset, err := archive.File[0].DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	torn := bytes.Clone(data)
	torn[offset+10] ^= 1
	return torn
}

func TestWhatIsNoBundleIsRefusedAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	good := archive(t, app, "")
	cache := open(t, bundles.Config{Dir: dir, Limit: 10_000})
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"too large", make([]byte, 10_001), "and this node takes 0.0 MB at most"},
		{"empty", nil, "the bundle is no bundle, or it is damaged"},
		{"no zip", []byte("hello"), "the bundle is no bundle, or it is damaged"},
		{"cut off", good[:len(good)-10], "the bundle is no bundle, or it is damaged"},
		{"changed", damaged(t, good), "the bundle is no bundle, or it is damaged"},
		{"leading out", entry(t, good, "../escape.py"), "which leads out of it"},
		{"leading out below code", entry(t, good, "code/../../escape.py"), "which leads out of it"},
		{"absolute", entry(t, good, "/etc/escape"), "which leads out of it"},
		{"with more than it says", entry(t, good, "code/more.py"), "which bundle.json does not name"},
	} {
		_, err := cache.Put(t.Context(), test.data)
		if outcome.Code(err) != outcome.Mend || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
		if names := files(t, dir); len(names) > 0 {
			t.Fatalf("%s leaves %v", test.name, names)
		}
	}
}

func TestABundleThatIsNotThereOrNotWholeDoesNotExist(t *testing.T) {
	cache := open(t, bundles.Config{Dir: t.TempDir()})
	bundle := put(t, cache, archive(t, app, ""))
	if err := os.WriteFile(bundle.File, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sha := range []string{bundle.Archive, strings.Repeat("0", 64), "../x", ""} {
		if _, err := cache.Get(t.Context(), sha); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v", sha, err)
		}
	}
}

func TestBundlesThatNobodyNamesAreRemovedAfterAWhile(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	cache := open(t, bundles.Config{Dir: dir, Now: func() time.Time { return now }})
	named, old := put(t, cache, archive(t, app, "")), put(t, cache, archive(t, app+"\n# old\n", ""))
	if err := os.WriteFile(filepath.Join(dir, ".draft-1.pyudf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	keep := func() {
		t.Helper()
		if err := cache.Keep([]string{named.Archive}); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	if names := files(t, dir); len(names) != 3 {
		t.Fatalf("of what was put just now there is %v", names)
	}
	now = now.Add(2 * time.Hour)
	fresh := put(t, cache, archive(t, app+"\n# fresh\n", ""))
	keep()
	for file, want := range map[string]bool{named.File: true, fresh.File: true, old.File: false, filepath.Join(dir, ".draft-1.pyudf"): false} {
		if _, err := os.Stat(file); (err == nil) != want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestABundleThatAnotherClusterOnTheMachineNamesStays(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	clock := func() time.Time { return now }
	one, other := open(t, bundles.Config{Dir: dir, Now: clock}), open(t, bundles.Config{Dir: dir, Now: clock})
	named := put(t, one, archive(t, app, ""))
	for range 3 {
		now = now.Add(40 * time.Minute)
		if err := errors.Join(one.Keep([]string{named.Archive}), other.Keep(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(named.File); err != nil {
		t.Error(err)
	}
}
