//! Rows: levels against a slow twin, edges, mirror, pieces, circles, silence.

use super::*;
