package openai_test

import (
	"testing"

	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

func TestConformance(t *testing.T) { providertest.Run(t, openai.New()) }
