// Package archtest holds the rules of the house as tests. It has no code of its
// own: the tests parse every Go file of the module and name, for each fault, the
// place, the rule and what to do about it.
//
//	floors    who may import whom, and which libraries (floors_test.go has the table)
//	docs      every package, exported identifier and configuration field is explained
//	sizes     files up to 500 lines, functions up to 80
//	words     names that say nothing are not used for parts of ours
//	bubbles   tests sleep only in virtual time, and other code never does
//	process   the environment and the end of the process belong to cmd
//	globals   no channels, pools, timers or loggers at package level
//	examples  every public package has an Example, every parser a fuzz target
//
// An exception stands in the table of its rule, by name and with its reason. One
// that is no longer needed is a fault too, so the tables stay true.
//
// The rules read syntax, not types. They are meant to catch what slips in, not
// to resist someone who wants around them. Each is tested with sources that
// break it.
package archtest
