//! The `pulse_doppler` chain: pulses to range-Doppler maps and detections.
