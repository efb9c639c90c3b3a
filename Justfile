# Each recipe is one command that the README names; nothing is hidden here.

# The main job: every case on real Redis and on the bundled node.
run *ARGS:
    go run ./cmd/slotdiff run {{ARGS}}

# Every test. SLOTDIFF_REQUIRE_ORACLE=1 makes a missing real Redis a failure.
test:
    go test ./...

race:
    go test -race ./...

# The harness's own noise: must report nothing.
control *ARGS:
    go run ./cmd/slotdiff control {{ARGS}}

bench:
    go test -run '^$' -bench . -benchmem ./...

# Pages and data that are generated from registries.
generate:
    go generate ./...

lint:
    .ci/lint

ci:
    .ci/run
