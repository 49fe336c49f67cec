package window_test

import (
	"encoding/binary"
	"testing"

	"github.com/pyudf/pyudf/engine/window"
)

func checkMany(t *testing.T, kind window.Kind, scenarios uint32) {
	t.Helper()
	for seed := range scenarios {
		s := newScenario(kind, binary.BigEndian.AppendUint32(nil, seed*2654435761))
		s.check(t)
	}
}

func TestTumblingAndHoppingWindowsAreWhatTheModelSays(t *testing.T) {
	checkMany(t, window.Aligned, 300)
}

func TestSlidingWindowsAreWhatTheModelSays(t *testing.T) { checkMany(t, window.Sliding, 400) }

func TestSessionsAreWhatTheModelSays(t *testing.T) { checkMany(t, window.Session, 600) }

func TestCountWindowsAreWhatTheModelSays(t *testing.T) { checkMany(t, window.Count, 300) }

func TestGlobalWindowsAreWhatTheModelSays(t *testing.T) { checkMany(t, window.Global, 300) }

func TestCustomWindowsAreWhatTheModelSays(t *testing.T) { checkMany(t, window.Custom, 300) }

func fuzz(f *testing.F, kind window.Kind) {
	f.Helper()
	for seed := range uint32(20) {
		f.Add(binary.BigEndian.AppendUint32(nil, seed*2654435761))
	}
	f.Fuzz(func(t *testing.T, data []byte) { newScenario(kind, data).check(t) })
}

func FuzzAligned(f *testing.F) { fuzz(f, window.Aligned) }

func FuzzSliding(f *testing.F) { fuzz(f, window.Sliding) }

func FuzzSession(f *testing.F) { fuzz(f, window.Session) }

func FuzzCount(f *testing.F) { fuzz(f, window.Count) }

func FuzzGlobal(f *testing.F) { fuzz(f, window.Global) }

func FuzzCustom(f *testing.F) { fuzz(f, window.Custom) }
