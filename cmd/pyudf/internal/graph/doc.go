// Package graph owns how a plan is shown: as text, JSON, Graphviz's dot and SVG. It says of each step what the engine
// does itself and what travels to Python.
//
// It is pure: a plan goes in, a text comes out. It checks nothing, that is engine/plan's task.
package graph
