package evidence

import _ "embed" // the schemas

// The JSON Schemas (2020-12) of what a run writes.
var (
	//go:embed log.schema.json
	logSchema []byte
	//go:embed summary.schema.json
	summarySchema []byte
)

// LogSchema returns the JSON Schema of one line of log.jsonl.
func LogSchema() []byte { return logSchema }

// SummarySchema returns the JSON Schema of summary.json.
func SummarySchema() []byte { return summarySchema }
