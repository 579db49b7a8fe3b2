package anthropic_test

import (
	"testing"

	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/providertest"
)

func TestConformance(t *testing.T) { providertest.Run(t, anthropic.New()) }
