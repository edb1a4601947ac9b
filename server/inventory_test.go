package server_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"paperplane/server"
	"paperplane/server/tables/lite"
)

var update = flag.Bool("update", false, "write the inventory's table into spec/threat.md")

// TestSchemaIsInInventory (I01): every column of the live schema is in the inventory and every
// entry of the inventory is in the schema, in the same order.
func TestSchemaIsInInventory(t *testing.T) {
	tb, err := lite.Open(filepath.Join(t.TempDir(), "tables.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tb.Close() }()
	have := map[string][]string{}
	if err := tb.Columns(func(table, column string) { have[table] = append(have[table], column) }); err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for _, c := range server.Inventory() {
		listed[c.Table] = append(listed[c.Table], c.Name)
		if c.Purpose == "" || c.Life == "" || c.Reads == "" {
			t.Errorf("%s.%s: purpose, life or readers are not stated", c.Table, c.Name)
		}
	}
	for table := range have {
		if !slices.Equal(have[table], listed[table]) {
			t.Errorf("table %s: schema has %v, inventory has %v", table, have[table], listed[table])
		}
	}
	for table := range listed {
		if have[table] == nil {
			t.Errorf("table %s is in the inventory and not in the schema", table)
		}
	}
}

// threatTable is the inventory as it stands in spec/threat.md.
func threatTable() string {
	var b strings.Builder
	b.WriteString("| table | column | purpose | longest life | who can read it |\n|---|---|---|---|---|\n")
	for _, c := range server.Inventory() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.Table, c.Name, c.Purpose, c.Life, c.Reads)
	}
	b.WriteString("\n| in the data folder | purpose | longest life |\n|---|---|---|\n")
	for _, h := range server.Files() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", h.Name, h.Purpose, h.Life)
	}
	return b.String()
}

// TestInventoryIsInThreatModel (I03): whoever adds a column edits spec/threat.md, too.
func TestInventoryIsInThreatModel(t *testing.T) {
	const file, begin, end = "../spec/threat.md", "<!-- inventory -->\n", "<!-- /inventory -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), begin)
	got, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("spec/threat.md has no place for the inventory")
	}
	want := threatTable()
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("spec/threat.md differs from the inventory; think about what the new column tells, then run with -update\ngot\n%s\nwant\n%s", got, want)
}
