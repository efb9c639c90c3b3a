package table

// hiddenFlags are the flags that COMMAND does not show (server.c:
// addReplyFlagsForCommand "Hidden on purpose"), from the command_flags of
// src/commands/*.json of 8.6.3.
var hiddenFlags = map[string]Flag{
	"debug":         Protected,
	"module|load":   Protected,
	"module|loadex": Protected,
	"module|unload": Protected,
	"eval":          MayReplicate,
	"evalsha":       MayReplicate,
	"fcall":         MayReplicate,
	"pfcount":       MayReplicate,
	"publish":       MayReplicate,
	"spublish":      MayReplicate,
}

// channelSpec says which arguments of a pub/sub command are channels
// (db.c:commands_with_channels); Count -1 means all that follow.
type channelSpec struct {
	Start, Count int
	routes       bool // CMD_CHANNEL_PUBLISH or CMD_CHANNEL_SUBSCRIBE: takes part in slot extraction
}

var channelSpecs = map[string]*channelSpec{
	"subscribe":    {1, -1, true},
	"ssubscribe":   {1, -1, true},
	"unsubscribe":  {1, -1, false},
	"sunsubscribe": {1, -1, false},
	"psubscribe":   {1, -1, true},
	"punsubscribe": {1, -1, false},
	"publish":      {1, 1, true},
	"spublish":     {1, 1, true},
}
