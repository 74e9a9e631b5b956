//! rangegate-recording
