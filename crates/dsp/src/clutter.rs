//! What takes the echoes of things at rest out of a pulse cube: cancellers of two and three pulses, and the notch.
