package contract

// Row is a row of the behaviour ledger of packet FR-P2C-007.
type Row struct {
	// ID is "B01" to "B12".
	ID    string
	Class Class
	// Unit and Scenario are the planned test ids, "U001" and "E001".
	Unit, Scenario string
	// Reason is the reason code that a failure is logged with.
	Reason string
	// Trigger and Contract are one sentence each.
	Trigger, Contract string
}

// Rows B01-B12 of packet FR-P2C-007, from its table "Behavior extraction ledger".
var rows = []Row{
	{
		ID: "B01", Class: Normal, Unit: "U001", Scenario: "E001",
		Reason:   "cluster.command_router_contract_violation",
		Trigger:  "CLUSTER command with supported subcommands",
		Contract: "Subcommand routing and arity validation are deterministic and reject unsupported forms predictably.",
	},
	{
		ID: "B02", Class: Normal, Unit: "U002", Scenario: "E002",
		Reason:   "cluster.slot_owner_query_violation",
		Trigger:  "Multi-key command routed through slot-owner resolver",
		Contract: "Same-slot queries execute locally when owned; foreign-slot paths classify redirection correctly.",
	},
	{
		ID: "B03", Class: Normal, Unit: "U003", Scenario: "E003",
		Reason:   "cluster.redirect_reply_contract_violation",
		Trigger:  "Redirect reply emission for foreign/unstable/down slots",
		Contract: "MOVED/ASK/TRYAGAIN/CLUSTERDOWN/CROSSSLOT error text and formatting remain contract-compatible.",
	},
	{
		ID: "B04", Class: Normal, Unit: "U004", Scenario: "E004",
		Reason:   "cluster.client_mode_flag_transition_violation",
		Trigger:  "ASKING/READONLY/READWRITE client mode toggles",
		Contract: "Client cluster-mode flags alter read/redirect behavior exactly as expected across subsequent requests.",
	},
	{
		ID: "B05", Class: Edge, Unit: "U005", Scenario: "E005",
		Reason:   "cluster.blocked_client_redirect_violation",
		Trigger:  "Client blocked on key while slot ownership changes",
		Contract: "Blocked client is redirected/unblocked promptly; no indefinite waiting on no-longer-owned slot.",
	},
	{
		ID: "B06", Class: Edge, Unit: "U006", Scenario: "E006",
		Reason:   "cluster.verify_config_with_data_violation",
		Trigger:  "Startup data/config drift with populated unassigned slots",
		Contract: "Reconciliation path claims/deletes slots as required, preserving deterministic repair envelope.",
	},
	{
		ID: "B07", Class: Edge, Unit: "U007", Scenario: "E007",
		Reason:   "cluster.config_epoch_collision_resolution_violation",
		Trigger:  "Config-epoch collision between masters",
		Contract: "Lexicographic tie-break and epoch bump resolve collision without split-brain ambiguity.",
	},
	{
		ID: "B08", Class: Normal, Unit: "U008", Scenario: "E008",
		Reason:   "cluster.state_transition_contract_violation",
		Trigger:  "Cluster state recomputation and slot ownership updates",
		Contract: "CLUSTER_OK/CLUSTER_FAIL transitions follow slot coverage/quorum/rejoin delay invariants.",
	},
	{
		ID: "B09", Class: Adversarial, Unit: "U009", Scenario: "E009",
		Reason:   "cluster.packet_parse_failclosed_violation",
		Trigger:  "Cluster bus packet with malformed type/length/version fields",
		Contract: "Packet parser fails closed and avoids unsafe state mutation or partial-parse acceptance.",
	},
	{
		ID: "B10", Class: Adversarial, Unit: "U010", Scenario: "E010",
		Reason:   "cluster.failover_election_contract_violation",
		Trigger:  "Failover election with stale data or missing quorum",
		Contract: "Failover path blocks promotion until preconditions and vote thresholds are satisfied.",
	},
	{
		ID: "B11", Class: Adversarial, Unit: "U011", Scenario: "E011",
		Reason:   "cluster.asm_crossslot_cancel_violation",
		Trigger:  "ASM migration sees cross-slot command during propagating phase",
		Contract: "Migration task is deterministically canceled via before-sleep path, preventing unsafe split-stream state.",
	},
	{
		ID: "B12", Class: Adversarial, Unit: "U012", Scenario: "E012",
		Reason:   "cluster.hardened_nonallowlisted_rejected",
		Trigger:  "Hardened mode receives non-allowlisted cluster deviation",
		Contract: "Non-allowlisted behavior is rejected and packet remains strict-equivalent fail-closed.",
	},
}
