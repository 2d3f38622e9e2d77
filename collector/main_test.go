package collector_test

import (
	"os"
	"testing"

	"opsmanager_exporter/collector/testkit/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Run(m, 8)) }
