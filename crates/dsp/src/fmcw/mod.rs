//! The `fmcw` chain: beat signals of swept transmitters to range-Doppler maps.
