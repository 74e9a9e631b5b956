//! rangegate-sources
