//! rangegate-sinks
