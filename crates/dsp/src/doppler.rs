//! From pulses to Doppler bins: the transform along slow time, vectorised over range gates.
