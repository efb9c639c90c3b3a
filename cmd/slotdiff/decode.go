package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/capture"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/wire/bus"
)

func decodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "decode FILE|-",
		Short: "Print cluster-bus packets as text",
		Long: `Reads cluster-bus packets and prints each in the text form of .case files, with the
reject rule that a node applies to it, if any. The input is a pcapng capture (such as
the bus.pcapng of a finding), raw bytes, or hex; in hex, blanks and lines that begin
with # do not count. A packet may end early: what is there is shown.`,
		Example: "slotdiff decode fixtures/bus/fail.hex",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readInput(args[0], cmd.InOrStdin())
			if err != nil {
				return fmt.Errorf("decode: %w", err)
			}
			if err := decode(cmd.OutOrStdout(), data); err != nil {
				return &exitError{verdict.ExitUsage, fmt.Errorf("decode %s: %w", args[0], err)}
			}
			return nil
		},
	}
}

func readInput(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

// pcapngMagic is the block type of a section header, with which every pcapng file begins.
var pcapngMagic = []byte{0x0a, 0x0d, 0x0d, 0x0a}

func decode(w io.Writer, data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the input is empty")
	case bytes.HasPrefix(data, pcapngMagic):
		messages, err := capture.Read(bytes.NewReader(data)) // what came before an error is there
		for _, m := range messages {
			if !m.Bus {
				continue // client traffic
			}
			fmt.Fprintf(w, "# %s %s %s -> %s\n", m.At.UTC().Format("15:04:05.000000"), m.Side, m.From, m.To)
			decodeStream(w, m.Bytes)
		}
		return err
	case bytes.HasPrefix(data, []byte(bus.Signature)):
		decodeStream(w, data)
		return nil
	default:
		raw, err := fromHex(data)
		if err != nil {
			return err
		}
		decodeStream(w, raw)
		return nil
	}
}

// fromHex reads hex digits, with blanks and comment lines between them.
func fromHex(text []byte) ([]byte, error) {
	var out []byte
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(line), ""))
		if err != nil {
			return nil, fmt.Errorf("line %d: neither a pcapng file, nor a packet (they begin with %s), nor hex: %w", n, bus.Signature, err)
		}
		out = append(out, b...)
	}
	return out, nil
}

// decodeStream prints every packet of a byte stream, and what is left of it.
func decodeStream(w io.Writer, b []byte) {
	for len(b) > 0 {
		n := len(b)
		if len(b) >= bus.PrefixLen {
			if want, err := bus.FrameLen(b); err != nil {
				fmt.Fprintf(w, "# the link is closed here: %v\n", err)
			} else if want <= len(b) {
				n = want
			} else {
				fmt.Fprintf(w, "# the packet announces %d bytes, %d are there\n", want, len(b))
			}
		}
		frame := b[:n]
		fmt.Fprint(w, bus.FrameText(frame))
		if v := bus.Check(frame); v.Action != bus.Accept {
			fmt.Fprintf(w, "  # %s: %s\n", v.Action, v.Rule)
		}
		b = b[n:]
	}
}
