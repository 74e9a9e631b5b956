//! Closed formulas that the measured performance is held against: detection probabilities and Cramér-Rao bounds.
