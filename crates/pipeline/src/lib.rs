//! rangegate-pipeline
