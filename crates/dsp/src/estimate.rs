//! Range and range rate of a detection between the cells.
