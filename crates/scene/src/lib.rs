//! rangegate-scene
