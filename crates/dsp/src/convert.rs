//! Stored numbers to complex baseband.
