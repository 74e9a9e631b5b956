//! Matched and mismatched filtering of single pulses, with the range gates that are wanted.
