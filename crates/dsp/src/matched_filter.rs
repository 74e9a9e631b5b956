//! Correlation of a stream with a replica by overlap-save FFT.
