package anthropic

import "fairlead.dev/llm"

// Assembles reports whether a plain answer to r can be assembled of a stream, the same field for field.
func (Provider) Assembles(*llm.Request) bool { return false }

// Assembler makes the plain answer to r.
func (Provider) Assembler(*llm.Request) llm.Assembler { return nil }
