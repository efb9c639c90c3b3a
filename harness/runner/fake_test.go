package runner

import (
	"testing"

	"github.com/slotdiff/slotdiff/oracle/faketest"
)

// fakeDriver starts scripted servers.
type fakeDriver = faketest.Driver

func newFake(_ *testing.T, answers map[string]string) *fakeDriver { return faketest.New(answers) }
