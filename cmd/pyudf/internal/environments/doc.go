// Package environments owns the virtual environments of an engine node: for each set of requirements one, which all
// bundles and all processes of the machine share, made when it is first needed and removed when nobody used it for long.
//
// What is installed and what is missing it asks the SDK in the node's own Python; what fits it leaves to uv or pip. It knows
// no bundles, and starts no workers. The node calls it.
package environments
