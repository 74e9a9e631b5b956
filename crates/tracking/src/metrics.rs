//! How well tracks follow the truth.
