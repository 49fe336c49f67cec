package plugin_test

// engineMain is for the tests of a parent's death, which only Linux signals.
func engineMain() {}
