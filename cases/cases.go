// Package cases holds the scenario files of the suite, as data.
package cases

import "embed"

// FS has every case as <area>/<what>.case.
//
//go:embed */*.case
var FS embed.FS
