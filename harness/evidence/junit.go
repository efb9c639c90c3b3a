package evidence

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// WriteJUnit writes a run as JUnit XML: a suite for the packet, a test case for
// each case and mode. A fail is a failure; unknown and oracle-fault are errors, for
// they say nothing about the target; skip is skipped; known passes, and says so.
func WriteJUnit(w io.Writer, s *Summary) error {
	suite := junit.Testsuite{Name: s.SuiteID, Time: seconds(s.DurationMS), Timestamp: s.StartedUTC}
	suite.AddProperty("packet_id", contract.Packet)
	suite.AddProperty("run_id", s.RunID)
	suite.AddProperty("command", s.Command)
	suite.AddProperty("witness", s.Witness)
	if s.Oracle != nil {
		suite.AddProperty("oracle", clean(s.Oracle.String()))
	}
	if s.Target != nil {
		suite.AddProperty("target", clean(s.Target.String()))
	}
	for i := range s.Cases {
		suite.AddTestcase(junitCase(&s.Cases[i]))
	}
	var all junit.Testsuites
	all.Name, all.Time = "slotdiff "+s.Command, suite.Time
	all.AddSuite(suite)
	return all.WriteXML(w)
}

func junitCase(c *CaseEntry) junit.Testcase {
	tc := junit.Testcase{
		Name:      fmt.Sprintf("%s [%s]", c.Case, c.Mode),
		Classname: c.Scenario,
		Time:      seconds(c.DurationMS),
		Status:    string(c.Verdict),
	}
	result := &junit.Result{Message: clean(c.Cause), Type: c.Reason}
	switch c.Verdict {
	case verdict.Fail:
		result.Data = clean(DiffText(c))
		tc.Failure = result
	case verdict.Unknown, verdict.OracleFault:
		result.Data = clean(DiffText(c))
		result.Type = string(c.Verdict)
		tc.Error = result
	case verdict.Skip:
		tc.Skipped = result
	case verdict.Known:
		tc.SystemOut = &junit.Output{Data: clean("known divergence: " + c.Cause + "\n" + DiffText(c))}
	}
	return tc
}

func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }

// clean replaces what XML 1.0 cannot hold, and what would end a CDATA section.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= 0x20 && r != unicode.ReplacementChar && (r < 0xfffe || r > 0xffff) {
			return r
		}
		return '?'
	}, s)
	return strings.ReplaceAll(s, "]]>", "]] >")
}
