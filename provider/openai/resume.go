package openai

import "fairlead.dev/llm"

// Prefills reports whether the model goes on from the beginning of an answer to r.
func (Provider) Prefills(*llm.Request, llm.Model) bool { return false }
