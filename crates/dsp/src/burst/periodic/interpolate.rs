//! Where a peak lies between its cells.

/// Offset in cells, −½ to ½, of a peak from the middle of three amplitudes, by the triangle that a code of
/// rectangular chips has as its autocorrelation. A band-limited one is rounder; the error is then at most
/// some hundredths of a cell.
pub(super) fn triangle_offset(left: f64, middle: f64, right: f64) -> f64 {
    let height = middle - left.min(right);
    if height <= 0.0 {
        return 0.0;
    }
    (0.5 * (right - left) / height).clamp(-0.5, 0.5)
}

/// Offset in units of 1/duration of a frequency from the middle between two hypotheses that lie one half of
/// 1/duration below and above: amplitudes there are |sinc(½ ± u)|, and so `u = ½·(right − left)/(right + left)`
/// without approximation.
pub(super) fn sinc_offset(left: f64, right: f64) -> f64 {
    let sum = left + right;
    if sum <= 0.0 {
        return 0.0;
    }
    0.5 * (right - left) / sum
}
