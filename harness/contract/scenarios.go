package contract

// Scenario is an end-to-end scenario; several cases may carry its id.
type Scenario struct {
	// ID is "E001" and up.
	ID string
	// Row owns the scenario, "B03". Empty for those that this project adds.
	Row string
	// Title says in a few words what it is about.
	Title string
	// Anchors are the legacy anchors whose behaviour the scenario is there for.
	// The packet does not name them: this assignment is ours.
	Anchors []string
	// Reason is the reason code that a failure is logged with.
	Reason string
}

// Scenarios E001-E012 are the packet's, with its reason codes. Those from E013
// up are ours, for the anchors that no row covers; their reason codes follow
// the packet's manner. A30 describes a code base without cluster support and
// has no behaviour to check, so no scenario claims it.
var scenarios = []Scenario{
	{"E001", "B01", "CLUSTER subcommands: routing, arity, validation", []string{"A01"}, "cluster.command_router_contract_violation"},
	{"E002", "B02", "slot owner of a query, key extraction", []string{"A02", "A03"}, "cluster.slot_owner_query_violation"},
	{"E003", "B03", "redirect replies", []string{"A03", "A04", "A26"}, "cluster.redirect_reply_contract_violation"},
	{"E004", "B04", "ASKING, READONLY, READWRITE", []string{"A07"}, "cluster.client_mode_flag_transition_violation"},
	{"E005", "B05", "blocked clients while a slot moves", []string{"A05", "A28"}, "cluster.blocked_client_redirect_violation"},
	{"E006", "B06", "data and config that drifted apart, at startup", []string{"A08", "A09", "A23"}, "cluster.verify_config_with_data_violation"},
	{"E007", "B07", "config epoch collisions", []string{"A11"}, "cluster.config_epoch_collision_resolution_violation"},
	{"E008", "B08", "cluster state, slot ownership", []string{"A21", "A22"}, "cluster.state_transition_contract_violation"},
	{"E009", "B09", "malformed bus packets", []string{"A12"}, "cluster.packet_parse_failclosed_violation"},
	{"E010", "B10", "failover election", []string{"A16"}, "cluster.failover_election_contract_violation"},
	{"E011", "B11", "atomic slot migration and cross-slot commands", []string{"A29"}, "cluster.asm_crossslot_cancel_violation"},
	{"E012", "B12", "hardened mode and its allowlist", []string{"A12"}, "cluster.hardened_nonallowlisted_rejected"},

	{"E013", "", "CLUSTER SLOTS and SHARDS replies", []string{"A06"}, "cluster.slot_map_reply_contract_violation"},
	{"E014", "", "bus listener, bind and port checks", []string{"A09", "A10"}, "cluster.bus_listener_contract_violation"},
	{"E015", "", "gossip and extensions of PING and PONG", []string{"A13"}, "cluster.gossip_emission_violation"},
	{"E016", "", "FAIL broadcast", []string{"A14"}, "cluster.fail_propagation_violation"},
	{"E017", "", "PUBLISH and SPUBLISH across the bus", []string{"A15"}, "cluster.publish_propagation_violation"},
	{"E018", "", "replica migration", []string{"A17"}, "cluster.replica_migration_violation"},
	{"E019", "", "manual failover", []string{"A18"}, "cluster.manual_failover_contract_violation"},
	{"E020", "", "cron: reconnects, ping cadence, PFAIL", []string{"A19"}, "cluster.cron_cadence_violation"},
	{"E021", "", "order of deferred work before sleep", []string{"A20", "A27"}, "cluster.deferred_task_order_violation"},
	{"E022", "", "administrative CLUSTER commands and their effects", []string{"A24"}, "cluster.admin_command_contract_violation"},
	{"E023", "", "commands allowed in a failover, promotion", []string{"A25"}, "cluster.failover_command_policy_violation"},
	{"E024", "", "routing before dispatch: MULTI, scripts, blocked and admin paths", []string{"A26", "A28"}, "cluster.predispatch_gate_violation"},
}
